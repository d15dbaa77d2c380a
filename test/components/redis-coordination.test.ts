import { afterAll } from "vitest";
import { coordination } from "#components/redis/manifest.ts";
import { dueTimesContract } from "#test/contracts/due-times.ts";
import { ownershipContract } from "#test/contracts/ownership.ts";
import { openComponent } from "#test/support/host.ts";
import { redisCli } from "#test/support/redis-server.ts";
import { describeWith } from "#test/support/services.ts";

await describeWith("redis", "coordination.redis", ({ host, port, address }) => {
  const groups = new Set<string>();
  const open = async (group: string = crypto.randomUUID()) => {
    groups.add(group);
    return openComponent(coordination, { redisHost: address, group });
  };
  afterAll(async () => {
    for (const group of groups) {
      const keys = await redisCli({ host, port }, "--scan", "--pattern", `outrigger:{${group}}:*`);
      if (keys !== "") await redisCli({ host, port }, "UNLINK", ...keys.split("\n"));
    }
  });
  ownershipContract({ open });
  dueTimesContract({ open });
});
