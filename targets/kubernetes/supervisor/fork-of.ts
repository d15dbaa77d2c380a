import { namespaceOf } from "../group-name.ts";
import type { GroupOptions } from "../messages.ts";
import type { GroupDeps } from "./group.ts";
import { forkGroup, type GroupProgram } from "./group-process.ts";
import type { NodeRuntimeOptions } from "./options.ts";
import type { Pins } from "./pins.ts";

/** How the process of a group is started: in the version that its namespace is pinned to, if any. */
export function forkOf(
  options: NodeRuntimeOptions,
  hostIps: readonly string[],
  pins: Pick<Pins, "of">,
  name: string,
): GroupDeps["fork"] {
  const { coordination, env, log, mtls, ports, scope } = options;
  const { checkSourceIp, logAsJson, logLevel, tokenAudience } = options;
  const groupOptions: Omit<GroupOptions, "version" | "group"> = {
    nodeName: "node" in scope ? scope.node : "",
    hostIps,
    tokenAudience,
    ...(mtls ? { mtls } : {}),
    internalPort: ports.internal ?? 0,
    checkSourceIp,
    ...(coordination ? { coordination } : {}),
    logLevel,
    logAsJson,
  };
  const program = (): GroupProgram => {
    const version = pins.of(namespaceOf(name) ?? "");
    const found = options.program(version);
    if (found) return found;
    log.error(`There is no version ${version} here; group ${name} runs the present one`, {
      group: name,
    });
    return options.program("") as GroupProgram;
  };
  return (group, hear) =>
    forkGroup(program(), { ...groupOptions, group: group.name }, env, log, hear);
}
