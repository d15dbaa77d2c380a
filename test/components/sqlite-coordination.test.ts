import { describe } from "vitest";
import { coordination } from "#components/sqlite/manifest.ts";
import { dueTimesContract } from "#test/contracts/due-times.ts";
import { ownershipContract } from "#test/contracts/ownership.ts";
import { openComponent } from "#test/support/host.ts";
import { temporaryFile } from "#test/support/temporary-file.ts";

describe.each([
  ["a file", { connectionString: temporaryFile("coordination.db") }],
  [
    "a file without WAL",
    { connectionString: temporaryFile("coordination.db"), disableWAL: "true" },
  ],
])("coordination.sqlite in %s", (_, metadata) => {
  const subject = {
    open: (group = "default") => openComponent(coordination, { ...metadata, group }),
  };
  ownershipContract(subject);
  dueTimesContract(subject);
});
describe("coordination.sqlite in memory", () => {
  const subject = {
    open: () => openComponent(coordination, { connectionString: ":memory:" }),
    isAlone: true,
  };
  ownershipContract(subject);
  dueTimesContract(subject);
});
