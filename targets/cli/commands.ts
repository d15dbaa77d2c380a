import type { Cli } from "./cli.ts";

const help = `Outrigger: the Dapr API without a sidecar

Usage:
  outrigger run [flags] -- <command>    Run an app with the Dapr API next to it
  outrigger run -f dapr.yaml            Run several apps in one runtime
  outrigger sidecar [flags]             Replace daprd: same flags, environment, ports and signals
  outrigger node [flags]                Run the runtime of a Kubernetes node
  outrigger injector [flags]            Inject what annotated pods need to find that runtime
  outrigger k8s status|apps|components|logs
                                        Inspect an installation on Kubernetes
  outrigger actors [<type> <id>]        List hosts of actors, or show which one owns an actor
  outrigger jobs list|get|delete|run-now
                                        Inspect and change the scheduled jobs of an app
  outrigger ca [flags]                  Sign certificates for mTLS between runtimes
  outrigger version                     Print the version
  outrigger <command> --help            Print the flags of a command

Without a command, flags are those of "sidecar", except --help and --version.
`;

/** Runs the command in the arguments; resolves with the exit code. */
export async function runCommand(args: readonly string[], cli: Cli): Promise<number> {
  const [command, ...rest] = args;
  switch (command) {
    case undefined:
      cli.err(help);
      return 1;
    case "help":
    case "--help":
    case "-h":
      cli.out(help);
      return 0;
    // `outrigger sidecar --version` is daprd's: the version of the API alone.
    case "--version":
    case "-v":
    case "version": {
      const { packageVersion } = await import("./version.ts");
      const { runtimeVersion } = await import("#core/blocks/metadata/operations.ts");
      cli.out(`outrigger ${packageVersion()}\nDapr API: ${runtimeVersion}\n`);
      return 0;
    }
    case "run": {
      const { run } = await import("./run.ts");
      return run(rest, cli);
    }
    case "ca": {
      const { ca } = await import("./ca.ts");
      return ca(rest, cli);
    }
    case "node": {
      const { node } = await import("./node.ts");
      return node(rest, cli);
    }
    case "node-group": {
      const { nodeGroup } = await import("./node-group.ts");
      return nodeGroup(cli);
    }
    case "injector": {
      const { injector } = await import("./injector.ts");
      return injector(rest, cli);
    }
    case "k8s": {
      const { k8s } = await import("./k8s.ts");
      return k8s(rest, cli);
    }
    case "actors": {
      const { actors } = await import("./actors.ts");
      return actors(rest, cli);
    }
    case "jobs": {
      const { jobs } = await import("./jobs.ts");
      return jobs(rest, cli);
    }
    case "sidecar": {
      const { sidecar } = await import("./sidecar.ts");
      return sidecar(rest, cli);
    }
    default:
      if (command.startsWith("-")) {
        const { sidecar } = await import("./sidecar.ts");
        return sidecar(args, cli);
      }
      cli.err(`Unknown command ${JSON.stringify(command)}\n\n${help}`);
      return 1;
  }
}
