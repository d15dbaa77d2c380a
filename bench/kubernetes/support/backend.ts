/** An app that answers every call with "hello", in a process of its own: node backend.ts PORT */
import { createServer } from "node:http";

createServer((request, response) => {
  request.resume();
  const isSubscribing = request.url?.startsWith("/dapr/") === true;
  response.writeHead(isSubscribing ? 404 : 200, {
    "content-type": "text/plain",
    "content-length": 5,
  });
  response.end("hello");
}).listen(Number(process.argv[2]));
