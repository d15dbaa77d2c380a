import { connect } from "node:net";
import { describe } from "vitest";

/** The services that tests may use, at their standard ports; `TEST_REDIS=host:port` and the like move them. */
const services = {
  redis: { port: 6379, variable: "TEST_REDIS" },
  postgresql: { port: 5432, variable: "TEST_POSTGRESQL" },
  mysql: { port: 3306, variable: "TEST_MYSQL" },
} as const;
export type ServiceName = keyof typeof services;

export interface Service {
  readonly host: string;
  readonly port: number;
  readonly address: string;
}

/** Where the service listens; `undefined` when nobody does. */
export async function findService(name: ServiceName): Promise<Service | undefined> {
  const service = addressOf(name);
  return (await listens(service)) ? service : undefined;
}

/** A describe block that runs where the service is there, and says why where it does not. */
export async function describeWith(
  name: ServiceName,
  title: string,
  body: (service: Service) => void,
): Promise<void> {
  const service = addressOf(name);
  const there = await listens(service);
  // Where all services are promised (.ci/run), a missing one is a fault and not a reason to skip.
  if (!there && process.env["OUTRIGGER_REQUIRE_SERVICES"] === "1")
    throw new Error(`No ${name} at ${service.address}, and OUTRIGGER_REQUIRE_SERVICES is set`);
  const reason = there ? "" : ` (skipped: no ${name} at ${service.address})`;
  describe.skipIf(!there)(`${title}${reason}`, () => {
    body(service);
  });
}

function addressOf(name: ServiceName): Service {
  const { port, variable } = services[name];
  const given = process.env[variable]?.split(":");
  const host = given?.[0] ?? "127.0.0.1";
  const number = Number(given?.[1] ?? port);
  return { host, port: number, address: `${host}:${number}` };
}

const dialMs = 1000;

/** True when something accepts connections there. */
export function listens({ host, port }: Pick<Service, "host" | "port">): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: dialMs });
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
    socket.once("timeout", () => end(false));
  });
}
