/** Joins as a process of its own, owns one actor and renews its lease until it is killed. */
import { coordination } from "#components/sqlite/manifest.ts";
import type { ActorKey, ActorMember } from "#core/ports/ownership.ts";
import { openComponent, testHost } from "./host.ts";

const [connectionString = "", leaseMs = "", memberText = "", actorText = ""] =
  process.argv.slice(2);
const { ownership } = await openComponent(coordination, { connectionString }, testHost());
const options = { signal: new AbortController().signal };
const member = JSON.parse(memberText) as ActorMember;
await ownership.join(member, Number(leaseMs), options);
const { owner } = await ownership.claim(JSON.parse(actorText) as ActorKey, member.id, options);
process.stdout.write(`${owner.id}\n`);
for (;;) {
  await new Promise((resolve) => setTimeout(resolve, Number(leaseMs) / 10));
  await ownership.renew([member.id], Number(leaseMs), options);
}
