/** node test/paths/main.ts [count] [seed]: the long run of `check-paths.ts`. */
import { checkPaths } from "./check-paths.ts";

const count = Number(process.argv[2] ?? 1_000_000);
const seed = Number(process.argv[3] ?? Date.now() % 2 ** 31);
const chunk = 20_000;
let [checked, dispatched, refused] = [0, 0, 0];
for (let done = 0; done < count; done += chunk) {
  const report = await checkPaths(seed + done, Math.min(chunk, count - done));
  checked += report.checked;
  dispatched += report.dispatched;
  refused += report.refused;
}
process.stdout.write(
  `${checked} paths (seed ${seed}): ${dispatched} sent as they were judged, ${refused} refused, 0 differ\n`,
);
