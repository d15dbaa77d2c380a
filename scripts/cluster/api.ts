/** What a test sees of a cluster; `cluster.ts` starts one. */

/**
 * `control`: etcd, API server, controllers, scheduler; no nodes, pods stay pending. No root needed.
 * `kwok`: the same with pretended nodes; pods "run" and Jobs complete, but no process does. No root needed.
 * `node`: a real node (kubelet, containerd, runc, CNI bridge, kube-proxy, cluster DNS). Needs root.
 * `node2`: two real nodes, pods of one reach those of the other. Needs root.
 */
export type ClusterMode = "control" | "kwok" | "node" | "node2";

export interface ClusterOptions {
  readonly mode: ClusterMode;
  /** OCI archives to have on every real node, beside `outrigger.test/busybox:1`. See `images.ts`. */
  readonly images?: readonly string[];
  /** Only for `kwok`; default: 2. They are named `kwok-0`... */
  readonly kwokNodes?: number;
  /** Flags for kube-apiserver, after ours: `--watch-cache=false`... */
  readonly apiServerFlags?: readonly string[];
  /** Which clusters' names, ports and addresses; default: the first that is free on this machine. */
  readonly slot?: number;
  /**
   * True leaves it up when the process that started it ends, until `cluster down`. Default: false; then a later
   * start, by anybody, clears up what a killed test left.
   */
  readonly keep?: boolean;
}

export interface Cluster extends AsyncDisposable {
  readonly mode: ClusterMode;
  readonly slot: number;
  /** All its state: `log/`, `pki/`, `*.kubeconfig`. Gone after the dispose. */
  readonly folder: string;
  /** File with the rights of `system:masters`. */
  readonly kubeconfig: string;
  /** `https://address:port`; reached from this machine and, in real nodes, from every pod. */
  readonly server: string;
  /** File (PEM): what signed the API server's certificate. */
  readonly caFile: string;
  /** Bearer token with the rights of `system:masters`. */
  readonly adminToken: string;
  /** This machine as the API server and pods reach it (for webhooks by `url`); 127.0.0.1 without real nodes. */
  readonly hostAddress: string;
  readonly nodes: readonly ClusterNode[];

  /** Runs kubectl and answers its stdout; rejects with its stderr. Default time limit: 60 s. */
  kubectl(args: readonly string[], options?: RunOptions): Promise<string>;
  /** The same, but answers for every exit code. */
  tryKubectl(args: readonly string[], options?: RunOptions): Promise<Ran>;
  /** `kubectl ... -o json`, parsed. */
  get<T>(...args: readonly string[]): Promise<T>;
  /** Server-side apply of YAML text, or of objects. */
  apply(documents: string | readonly object[]): Promise<void>;
  /** helm v3 against this cluster, with its files inside `folder`. Default time limit: 120 s. */
  helm(args: readonly string[], options?: RunOptions): Promise<string>;

  /** Imports an OCI archive into every real node. */
  loadImage(archive: string): Promise<void>;
  /** Runs a program of this machine on a real node: in its network, mounts and processes. */
  nodeExec(node: string, command: readonly string[], options?: RunOptions): Promise<string>;
  /**
   * What to put before a command to run it in a node's network only, for `spawn`; empty without real nodes. A
   * server started so is reached by pods at the node's address.
   */
  networkPrefix(node?: string): readonly string[];

  /** A serving certificate signed by the cluster's CA (`caFile`), for webhooks. */
  certificate(names: {
    readonly dns?: readonly string[];
    readonly ip?: readonly string[];
  }): Promise<{ readonly cert: string; readonly key: string }>;
  /** Kills the API server at once (open watches break); everything else stays up. */
  stopApiServer(): Promise<void>;
  /** Starts it anew with the same data, certificates and port; resolves when it is ready. */
  startApiServer(flags?: readonly string[]): Promise<void>;
  /**
   * Makes every resourceVersion up to now unknown to etcd. A watch from such a one gets a 410, if the API server
   * runs with `--watch-cache=false`.
   */
  compactHistory(): Promise<void>;
  /** The end of a component's log: `kube-apiserver`, `kubelet-<node>`... */
  logOf(component: string): Promise<string>;
}

export interface ClusterNode {
  readonly name: string;
  /** Address of the node (`status.hostIP` of its pods), reached from this machine too. */
  readonly ip: string;
  /** Addresses of its pods, reached from this machine too: `10.100.0.0/24`. */
  readonly podCidr: string;
}

export interface RunOptions {
  /** Its stdin. */
  readonly input?: string;
  readonly timeoutMs?: number;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Ran {
  /** Exit code; -1: killed, by the time limit or a signal. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}
