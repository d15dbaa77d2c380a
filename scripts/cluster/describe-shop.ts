import { beforeAll } from "vitest";
import { installChart } from "./chart.ts";
import { describeCluster } from "./describe.ts";
import { appsImage, runtimeImage } from "./images.ts";
import { type Shop, makeNamespaces, openShop } from "./shop.ts";

export interface ShopOptions {
  /** Of the chart. */
  readonly values?: object;
  /** Beside `shop`. */
  readonly namespaces?: readonly string[];
  /** Default: one. */
  readonly nodes?: 1 | 2;
  /** Beside those of the runtime and the apps. */
  readonly image?: () => Promise<string>;
}

/** `describeCluster` on real nodes with the chart in. To be awaited. */
export async function describeShop(
  title: string,
  options: ShopOptions,
  body: (shop: () => Shop) => void,
): Promise<void> {
  const images = async (): Promise<string[]> => [
    await runtimeImage(),
    await appsImage(),
    ...(options.image ? [await options.image()] : []),
  ];
  const mode = options.nodes === 2 ? "node2" : "node";
  await describeCluster(title, { mode, images }, (cluster) => {
    let shop: Shop | undefined;
    beforeAll(async () => {
      await makeNamespaces(cluster(), options.namespaces ?? []);
      await installChart(cluster(), options.values);
      shop = openShop(cluster());
    });
    body(() => {
      if (shop === undefined) throw new Error("The shop is not open yet: ask for it in a test");
      return shop;
    });
  });
}
