import { describe } from "vitest";
import { coordination } from "#components/in-memory/manifest.ts";
import { dueTimesContract } from "#test/contracts/due-times.ts";
import { ownershipContract } from "#test/contracts/ownership.ts";
import { openComponent } from "#test/support/host.ts";

describe("coordination.in-memory", () => {
  const subject = { open: () => openComponent(coordination), isAlone: true };
  ownershipContract(subject);
  dueTimesContract(subject);
});
