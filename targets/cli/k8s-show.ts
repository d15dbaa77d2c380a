import { readAppPods } from "#k8s/inspect/app-pods.ts";
import { type ComponentRow, readComponents } from "#k8s/inspect/components.ts";
import type { Finding } from "#k8s/inspect/finding.ts";
import { readAppLog } from "#k8s/inspect/logs.ts";
import type { Reading } from "#k8s/inspect/read.ts";
import { inspectCluster } from "#k8s/inspect/status.ts";
import { age, compareRows, printable, table } from "#k8s/inspect/table.ts";
import { UsageError } from "./flags.ts";
import type { K8sCall } from "./k8s-call.ts";
import { isJson, printJson } from "./print.ts";

export async function showStatus({ asking, flags, cli, now }: K8sCall): Promise<number> {
  const report = await inspectCluster(asking, {
    namespace: flags.text("control-plane-namespace"),
    now,
    probeNamespace: flags.text("namespace") || undefined,
  });
  if (isJson(flags)) printJson(cli, report);
  else {
    cli.out(
      `${printable(report.server)}  Kubernetes ${printable(report.kubernetes)}  namespace ${printable(report.namespace)}\n\n`,
    );
    for (const finding of report.findings) cli.out(findingText(finding, cli.colour));
    const problems = report.findings.filter(({ level }) => level === "problem").length;
    cli.out(
      problems === 0
        ? "\nNo problems found.\n"
        : `\n${problems} problem${problems === 1 ? "" : "s"}.\n`,
    );
  }
  return report.ok ? 0 : 1;
}

export async function showApps({ asking, flags, cli, now }: K8sCall): Promise<number> {
  const pods = valueOf("pods", await readAppPods(asking, flags.text("namespace") || undefined));
  const rows = pods.toSorted((a, b) =>
    compareRows([a.namespace, a.appId, a.pod], [b.namespace, b.appId, b.pod]),
  );
  if (isJson(flags)) {
    printJson(
      cli,
      rows.map(({ secrets: _, ...row }) => row),
    );
    return 0;
  }
  if (rows.length === 0) cli.err('No pod has the annotation dapr.io/enabled: "true".\n');
  else
    cli.out(
      table(
        ["NAMESPACE", "APP", "POD", "NODE", "MODE", "ISOLATION", "READY", "AGE"],
        rows.map((row) => [
          row.namespace,
          row.appId,
          row.pod,
          row.node || "-",
          row.mode,
          row.isolation,
          row.phase === "Running" ? (row.ready ? "yes" : "no") : row.phase,
          age(row.created, now),
        ]),
      ),
    );
  return 0;
}

export async function showComponents({ asking, flags, cli }: K8sCall): Promise<number> {
  const found = await readComponents(asking, flags.text("namespace") || undefined);
  if (found.is === "absent")
    throw new Error("The cluster does not have the Component CRD; install the CRDs of the chart");
  const rows = valueOf("components", found).toSorted((a, b) =>
    compareRows([a.namespace, a.name], [b.namespace, b.name]),
  );
  if (isJson(flags)) {
    printJson(
      cli,
      rows.map(({ secrets: _, ...row }) => row),
    );
    return 0;
  }
  if (rows.length === 0) cli.err("There are no Components.\n");
  else
    cli.out(
      table(
        ["NAMESPACE", "NAME", "TYPE", "SCOPES", "READY", "MESSAGE"],
        rows.map((row) => [
          row.namespace,
          row.name,
          row.version === "" ? row.type : `${row.type}/${row.version}`,
          row.scopes.join(",") || "all",
          readyText(row),
          failureText(row),
        ]),
      ),
    );
  return 0;
}

export async function showLogs({ asking, flags, rest, cli }: K8sCall): Promise<number> {
  const [appId, more] = rest;
  if (appId === undefined) throw new UsageError("Specify an app: outrigger k8s logs <app>");
  if (more !== undefined)
    throw new UsageError(`"k8s logs" takes only one app; remove ${JSON.stringify(more)}`);
  const tail = flags.number("tail") ?? 0;
  if (tail < 1) throw new UsageError("Invalid value for --tail: expected a number of 1 or more");
  await readAppLog(
    asking,
    {
      appId,
      namespace: flags.text("namespace") || undefined,
      controlPlane: flags.text("control-plane-namespace"),
      follow: flags.boolean("follow"),
      tail,
      form: isJson(flags) ? "json" : "text",
    },
    (line) => cli.out(`${line}\n`),
  );
  return 0;
}

const marks = { ok: "ok", note: "note", unknown: "?", problem: "PROBLEM" } as const;
const colours = { ok: 32, note: 36, unknown: 33, problem: 31 } as const;

function findingText({ level, message, todo }: Finding, colour: boolean): string {
  const mark = marks[level].padEnd(8);
  const shown = colour ? `\u001b[${colours[level]}m${mark}\u001b[0m` : mark;
  const next = todo === undefined ? "" : `${" ".repeat(8)} -> ${printable(todo)}\n`;
  return `${shown} ${printable(message)}\n${next}`;
}

/** `2/3`; `-` if no node has loaded it, or the CRD has no status. */
function readyText({ nodes }: ComponentRow): string {
  return nodes.length === 0 ? "-" : `${nodes.filter(({ ready }) => ready).length}/${nodes.length}`;
}
function failureText({ nodes }: ComponentRow): string {
  const failed = nodes.find(({ ready }) => !ready);
  return failed ? `${failed.node}: ${failed.message || failed.reason}` : "";
}

function valueOf<T>(what: string, found: Reading<T>): T {
  if (found.is === "there") return found.value;
  throw new Error(`Cannot list ${what}: ${found.is === "unknown" ? found.why : "there are none"}`);
}
