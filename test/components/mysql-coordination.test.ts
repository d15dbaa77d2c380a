import { dueTimesContract } from "#test/contracts/due-times.ts";
import { ownershipContract } from "#test/contracts/ownership.ts";
import { coordination } from "#components/mysql/manifest.ts";
import { openComponent } from "#test/support/host.ts";
import { mysqlDatabase } from "#test/support/sql-databases.ts";
import { describeWith } from "#test/support/services.ts";

await describeWith("mysql", "coordination.mysql", (service) => {
  const database = mysqlDatabase(service);
  const open = async (group: string = crypto.randomUUID()) =>
    openComponent(coordination, { connectionString: database.url, group });
  ownershipContract({ open });
  dueTimesContract({ open });
});
