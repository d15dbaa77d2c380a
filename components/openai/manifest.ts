import { defineComponent, type Manifest, type OptionTable } from "#core/ports/manifest.ts";

/** Services with OpenAI's chat completions API, each with the defaults of its options. */
const services = {
  openai: { model: "gpt-5-nano", endpoint: "https://api.openai.com/v1", keyed: true },
  ollama: { model: "llama3.2:latest", endpoint: "http://localhost:11434/v1", keyed: false },
  deepseek: { model: "deepseek-chat", endpoint: "https://api.deepseek.com", keyed: true },
  mistral: { model: "open-mistral-7b", endpoint: "https://api.mistral.ai/v1", keyed: true },
  huggingface: {
    model: "deepseek-ai/DeepSeek-R1-Distill-Qwen-32B",
    endpoint: "https://router.huggingface.co/v1",
    keyed: true,
  },
  googleai: {
    model: "gemini-2.5-flash-lite",
    endpoint: "https://generativelanguage.googleapis.com/v1beta/openai",
    keyed: true,
  },
} as const;
type Service = keyof typeof services;

function optionsFor(service: Service): OptionTable {
  const { model, endpoint, keyed } = services[service];
  return {
    key: {
      type: "string",
      ...(keyed ? { required: true as const } : {}),
      sensitive: true,
      about: "API key of the service.",
    },
    model: { type: "string", default: model, about: "Name of the model." },
    endpoint: { type: "string", default: endpoint, about: "Base URL of the API." },
    cacheTTL: {
      type: "duration",
      about:
        "How long the response to a request is reused for the same request; if not set, never.",
    },
    maxTokens: { type: "number", about: "Maximum number of tokens in a response." },
    ...(service === "openai"
      ? {
          apiType: {
            type: "string" as const,
            default: "open_ai",
            about: "`azure` for Azure OpenAI, where the model is the name of the deployment.",
          },
          apiVersion: { type: "string" as const, about: "API version of Azure OpenAI." },
        }
      : {}),
  };
}

function component(service: Service): Manifest<"conversation"> {
  const options = optionsFor(service);
  return defineComponent({
    kind: "conversation",
    type: `conversation.${service}`,
    version: "v1",
    targets: ["node", "workers", "azure-functions"],
    about: `Calls a language model at ${service} through OpenAI's chat completions API.`,
    options,
    open: async (spec, host) => (await import("./conversation.ts")).open(spec, options, host),
  });
}

export const openai: Manifest<"conversation"> = component("openai");
export const ollama: Manifest<"conversation"> = component("ollama");
export const deepseek: Manifest<"conversation"> = component("deepseek");
export const mistral: Manifest<"conversation"> = component("mistral");
export const huggingface: Manifest<"conversation"> = component("huggingface");
export const googleai: Manifest<"conversation"> = component("googleai");
