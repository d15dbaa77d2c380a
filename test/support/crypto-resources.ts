/** A provider "vault" for the API suite, with keys that are nobody's: "secret" (32 bytes) and "signer" (Ed25519). */
export const cryptoResources = `
apiVersion: dapr.io/v1alpha1
kind: Component
metadata: { name: vault }
spec:
  type: crypto.dapr.jwks
  version: v1
  metadata:
    - name: jwks
      value: |
        {"keys":[
          {"kid":"secret","kty":"oct","k":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"},
          {"kid":"signer","kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}
        ]}
`;
