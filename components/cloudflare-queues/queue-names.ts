/** The producer binding of a topic: `TOPIC_` and the topic in upper case, "_" for what no binding name can hold. */
export function producerBinding(topic: string): string {
  return `TOPIC_${topic.toUpperCase().replace(/[^A-Z0-9]/g, "_")}`;
}

/** Queue to topic, from the option `queues`. Throws for what is not a list of pairs. */
export function topicsByQueue(option: string | undefined): ReadonlyMap<string, string> {
  const topics = new Map<string, string>();
  for (const pair of (option ?? "").split(",")) {
    if (pair.trim() === "") continue;
    const [topic = "", queue = "", ...rest] = pair.split("=").map((part) => part.trim());
    if (topic === "" || queue === "" || rest.length > 0)
      throw new Error(
        `queues must be like "topic=queue,topic2=queue2", not ${JSON.stringify(option)}`,
      );
    topics.set(queue, topic);
  }
  return topics;
}
