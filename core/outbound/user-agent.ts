/** What the runtime calls itself where its caller has not said who calls: some servers refuse requests without a name. */
export const userAgent = "outrigger";
