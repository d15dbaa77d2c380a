import type { Cli } from "./cli.ts";
import { levelOf, openLog } from "./cli-log.ts";
import { namespaceOf } from "#targets/kubernetes/group-name.ts";
import { clock } from "#targets/node/clock.ts";
import { optimizeWhenBusy } from "#targets/node/memory/optimize.ts";
import { linkTo } from "#targets/kubernetes/group/supervisor-link.ts";
import type { GroupOptions } from "#targets/kubernetes/messages.ts";

/**
 * `outrigger node-group`: the process of an isolation group. Only a supervisor starts it, and sends
 * everything that it needs over the channel.
 */
export async function nodeGroup(cli: Cli): Promise<number> {
  if (!process.connected) {
    cli.err("node-group is an internal command that outrigger node runs\n");
    return 1;
  }
  using work = optimizeWhenBusy(clock);
  // The supervisor ends its groups in its own order, so groups ignore signals to all processes of
  // the container.
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) cli.onSignal(signal, () => {});
  const link = linkTo(process);
  const options = await new Promise<GroupOptions>((resolve) =>
    link.onMessage((message) => {
      if (message.type === "start") resolve(message.options);
    }),
  );
  process.title = `outrigger ${options.group}`;
  const log = openLog({
    level: levelOf(options.logLevel),
    json: options.logAsJson,
    namespace: namespaceOf(options.group),
    write: (line) => cli.out(`${line}\n`),
  });
  const { runGroup } = await import("#targets/kubernetes/group/group.ts");
  await runGroup(link, options, { log, env: cli.env, called: work.called });
  return 0;
}
