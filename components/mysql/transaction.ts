import type { SqlSession } from "#components/_shared/sql/database.ts";

/** All that the work changes or nothing. */
export async function transaction<T>(session: SqlSession, work: () => Promise<T>): Promise<T> {
  await session.query("START TRANSACTION");
  try {
    const result = await work();
    await session.query("COMMIT");
    return result;
  } catch (reason) {
    // Where the connection is gone, so is the transaction.
    await session.query("ROLLBACK").catch(() => {});
    throw reason;
  }
}
