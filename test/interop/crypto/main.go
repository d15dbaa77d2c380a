// Command crypto does with Dapr's own library what Outrigger does with its own code, so that a test
// can hand the work of one to the other. Input comes from standard input, output goes to standard output.
package main

import (
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"github.com/dapr/kit/crypto"
	encv1 "github.com/dapr/kit/schemes/enc/v1"
)

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: crypto encrypt|decrypt|seal|open|sign|verify KEY-FILE ALGORITHM [MORE...]")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3], os.Args[4:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(command, keyFile, algorithm string, more []string) error {
	raw, err := os.ReadFile(keyFile)
	if err != nil {
		return err
	}
	key, err := crypto.ParseKey(raw, "")
	if err != nil {
		return err
	}
	more = append(more, "", "")
	switch command {
	case "encrypt":
		return encrypt(key, algorithm, more[0], more[1])
	case "decrypt":
		return decrypt(key)
	case "sign", "verify":
		return sign(key, algorithm, more[0])
	case "seal", "open":
		return seal(command, key, algorithm, more[0], more[1])
	}
	return fmt.Errorf("no command %s", command)
}

// The format has no place for a nonce; Outrigger takes zeros where an algorithm wants one.
func wrapNonce(algorithm string) []byte {
	if strings.Contains(algorithm, "CBC") {
		return make([]byte, 16)
	}
	return nil
}

func encrypt(key jwk.Key, algorithm, cipher, keyName string) error {
	wanted := encv1.Cipher(cipher)
	out, err := encv1.Encrypt(os.Stdin, encv1.EncryptOptions{
		Algorithm: encv1.KeyAlgorithm(algorithm),
		Cipher:    &wanted,
		KeyName:   keyName,
		WrapKeyFn: func(plaintext []byte, algorithm, _ string, _ []byte) ([]byte, []byte, error) {
			if strings.HasPrefix(algorithm, "RSA") {
				wrapped, err := crypto.EncryptPublicKey(plaintext, algorithm, key, nil)
				return wrapped, nil, err
			}
			return crypto.EncryptSymmetric(plaintext, algorithm, key, wrapNonce(algorithm), nil)
		},
	})
	if err != nil {
		return err
	}
	_, err = io.Copy(os.Stdout, out)
	return err
}

func decrypt(key jwk.Key) error {
	out, err := encv1.Decrypt(os.Stdin, encv1.DecryptOptions{
		UnwrapKeyFn: func(wrapped []byte, algorithm, _ string, _, _ []byte) ([]byte, error) {
			if strings.HasPrefix(algorithm, "RSA") {
				return crypto.DecryptPrivateKey(wrapped, algorithm, key, nil)
			}
			return crypto.DecryptSymmetric(wrapped, algorithm, key, wrapNonce(algorithm), nil, nil)
		},
	})
	if err != nil {
		return err
	}
	_, err = io.Copy(os.Stdout, out)
	return err
}

// Signs the digest, or checks the signature given in hexadecimal.
func sign(key jwk.Key, algorithm, signature string) error {
	digest, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	if signature == "" {
		made, err := crypto.SignPrivateKey(digest, algorithm, key)
		if err != nil {
			return err
		}
		_, err = os.Stdout.Write(made)
		return err
	}
	given, err := hex.DecodeString(signature)
	if err != nil {
		return err
	}
	valid, err := crypto.VerifyPublicKey(digest, given, algorithm, key)
	fmt.Print(valid)
	return err
}

// Nonce and associated data are hexadecimal; a tag stands behind what it is of.
func seal(command string, key jwk.Key, algorithm, nonceHex, dataHex string) error {
	input, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	nonce, err := hex.DecodeString(nonceHex)
	if err != nil {
		return err
	}
	data, err := hex.DecodeString(dataHex)
	if err != nil {
		return err
	}
	var out []byte
	symmetric := key.KeyType() == "oct"
	switch {
	case command == "seal" && symmetric:
		var tag []byte
		out, tag, err = crypto.EncryptSymmetric(input, algorithm, key, nonce, data)
		out = append(out, tag...)
	case command == "seal":
		out, err = crypto.EncryptPublicKey(input, algorithm, key, data)
	case symmetric:
		end := len(input) - tagSize(algorithm)
		out, err = crypto.DecryptSymmetric(input[:end:end], algorithm, key, nonce, input[end:], data)
	default:
		out, err = crypto.DecryptPrivateKey(input, algorithm, key, data)
	}
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(out)
	return err
}

func tagSize(algorithm string) int {
	switch {
	case strings.HasSuffix(algorithm, "HS384"):
		return 24
	case strings.HasSuffix(algorithm, "HS512"):
		return 32
	case strings.HasSuffix(algorithm, "HS256"), strings.HasSuffix(algorithm, "GCM"), strings.Contains(algorithm, "C20P"):
		return 16
	}
	return 0
}
