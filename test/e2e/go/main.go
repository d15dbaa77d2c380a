// The official Go SDK, client and service, as a program: every case says on a line of its own how it went.
// Environment: DAPR_GRPC_PORT, DAPR_HTTP_PORT, APP_PORT, APP_PROTOCOL (grpc or http), CASES_REDIS=1 where Redis is there.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/dapr/go-sdk/client"
	"github.com/dapr/go-sdk/service/common"
	daprgrpc "github.com/dapr/go-sdk/service/grpc"
	daprhttp "github.com/dapr/go-sdk/service/http"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const store = "statestore"

// seen keeps what the app was called with.
type seen struct {
	mutex  sync.Mutex
	events map[string][]string
}

func (s *seen) add(kind, value string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.events[kind] = append(s.events[kind], value)
}

func (s *seen) has(kind, value string) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, each := range s.events[kind] {
		if value == "" || strings.Contains(each, value) {
			return true
		}
	}
	return false
}

func (s *seen) waitFor(kind, value string) error {
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if s.has(kind, value) {
			return nil
		}
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return fmt.Errorf("no %s with %q within 15 s; there are %v", kind, value, s.events[kind])
}

// waitHealthy waits until the runtime has found the app and asked it for its subscriptions: Wait is content with the
// runtime alone, and what is published earlier is nobody's.
func waitHealthy() error {
	url := "http://127.0.0.1:" + os.Getenv("DAPR_HTTP_PORT") + "/v1.0/healthz"
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		answer, err := http.Get(url)
		if err != nil {
			continue
		}
		answer.Body.Close()
		if answer.StatusCode == http.StatusNoContent {
			return nil
		}
	}
	return errors.New("the runtime was not healthy within 15 s")
}

// printID asks the runtime, at once, who the caller is.
func printID() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, err := client.NewClientWithPort(os.Getenv("DAPR_GRPC_PORT"))
	check(err)
	defer c.Close()
	metadata, err := c.GetMetadata(ctx)
	check(err)
	fmt.Println(metadata.ID)
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "interop" {
		names := os.Args[2:]
		if len(names) == 0 {
			names = interopNames
		}
		runInterop(names)
		return
	}
	if len(os.Args) > 1 && os.Args[1] == "id" {
		printID()
		return
	}
	if len(os.Args) > 3 && os.Args[1] == "subscriber" {
		runSubscriber(os.Args[2], os.Args[3])
		return
	}
	if runDurable(os.Args[1:]) {
		return
	}
	got := &seen{events: map[string][]string{}}
	service := app(got)
	if len(os.Args) > 1 && os.Args[1] == "app" {
		check(service.Start())
		return
	}
	go func() {
		if err := service.Start(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	c, err := client.NewClientWithPort(os.Getenv("DAPR_GRPC_PORT"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer c.Close()
	failed := report(ctx, cases(c, got))
	_ = service.GracefulStop()
	if failed {
		os.Exit(1)
	}
}

// report runs the cases and says how each went, and whether one failed.
func report(ctx context.Context, list []testCase) bool {
	failed := false
	for _, each := range list {
		if err := each.run(ctx); err != nil {
			failed = true
			fmt.Printf("CASE %s: %s\n", each.name, strings.ReplaceAll(err.Error(), "\n", " "))
		} else {
			fmt.Printf("CASE %s: ok\n", each.name)
		}
	}
	return failed
}

// app is the service behind the sidecar.
func app(got *seen) common.Service {
	address := "127.0.0.1:" + os.Getenv("APP_PORT")
	var service common.Service
	if os.Getenv("APP_PROTOCOL") == "http" {
		service = daprhttp.NewService(address)
	} else {
		listener, err := net.Listen("tcp", address)
		check(err)
		server := grpc.NewServer()
		registerInterop(server)
		service = daprgrpc.NewServiceWithGrpcServer(listener, server)
	}
	check(service.AddTopicEventHandler(&common.Subscription{PubsubName: "pubsub", Topic: "events", Route: "/events"},
		func(_ context.Context, e *common.TopicEvent) (bool, error) {
			got.add("event", string(e.RawData))
			return false, nil
		}))
	check(service.AddTopicEventHandler(&common.Subscription{PubsubName: "pubsub", Topic: "routed", Route: "/big", Match: `event.type == "big"`, Priority: 1},
		func(_ context.Context, e *common.TopicEvent) (bool, error) {
			got.add("big", string(e.RawData))
			return false, nil
		}))
	check(service.AddTopicEventHandler(&common.Subscription{PubsubName: "pubsub", Topic: "routed", Route: "/small"},
		func(_ context.Context, e *common.TopicEvent) (bool, error) {
			got.add("small", string(e.RawData))
			return false, nil
		}))
	check(service.AddServiceInvocationHandler("/echo", func(_ context.Context, in *common.InvocationEvent) (*common.Content, error) {
		return &common.Content{Data: in.Data, ContentType: in.ContentType, DataTypeURL: in.DataTypeURL}, nil
	}))
	check(service.AddServiceInvocationHandler("/fail", func(_ context.Context, _ *common.InvocationEvent) (*common.Content, error) {
		return nil, status.Error(codes.NotFound, "no such thing")
	}))
	// The HTTP service wants a path, the gRPC one the binding's name.
	tick := "tick"
	if os.Getenv("APP_PROTOCOL") == "http" {
		tick = "/tick"
	}
	check(service.AddBindingInvocationHandler(tick, func(_ context.Context, _ *common.BindingEvent) ([]byte, error) {
		got.add("tick", "x")
		return nil, nil
	}))
	return service
}

type testCase struct {
	name string
	run  func(context.Context) error
}

func cases(c client.Client, got *seen) []testCase {
	unique := fmt.Sprintf("go-%d", time.Now().UnixNano())
	list := []testCase{
		{"wait", func(ctx context.Context) error {
			if err := c.Wait(ctx, 15*time.Second); err != nil {
				return err
			}
			return waitHealthy()
		}},
		{"state", func(ctx context.Context) error {
			if err := c.SaveState(ctx, store, unique, []byte(`{"n":1}`), nil); err != nil {
				return err
			}
			item, err := c.GetState(ctx, store, unique, nil)
			if err != nil {
				return err
			}
			if err := equal(string(item.Value), `{"n":1}`); err != nil {
				return err
			}
			if err := c.SaveStateWithETag(ctx, store, unique, []byte("2"), "4711", nil); status.Code(errors.Unwrap(err)) != codes.Aborted && status.Code(err) != codes.Aborted {
				return fmt.Errorf("an old etag must abort: %v", err)
			}
			if err := c.SaveStateWithETag(ctx, store, unique, []byte("2"), item.Etag, nil); err != nil {
				return err
			}
			if err := c.DeleteState(ctx, store, unique, nil); err != nil {
				return err
			}
			item, err = c.GetState(ctx, store, unique, nil)
			if err != nil {
				return err
			}
			return equal(len(item.Value), 0)
		}},
		{"bulk state", func(ctx context.Context) error {
			if err := c.SaveBulkState(ctx, store, &client.SetStateItem{Key: unique + "-a", Value: []byte("a")}, &client.SetStateItem{Key: unique + "-b", Value: []byte("b")}); err != nil {
				return err
			}
			items, err := c.GetBulkState(ctx, store, []string{unique + "-a", unique + "-b"}, nil, 2)
			if err != nil {
				return err
			}
			if err := equal(len(items), 2); err != nil {
				return err
			}
			return c.DeleteBulkState(ctx, store, []string{unique + "-a", unique + "-b"}, nil)
		}},
		{"transaction", func(ctx context.Context) error {
			err := c.ExecuteStateTransaction(ctx, "sqlite", nil, []*client.StateOperation{
				{Type: client.StateOperationTypeUpsert, Item: &client.SetStateItem{Key: unique + "-t", Value: []byte("t")}},
				{Type: client.StateOperationTypeDelete, Item: &client.SetStateItem{Key: unique + "-u"}},
			})
			if err != nil {
				return err
			}
			item, err := c.GetState(ctx, "sqlite", unique+"-t", nil)
			if err != nil {
				return err
			}
			return equal(string(item.Value), "t")
		}},
		{"publish", func(ctx context.Context) error {
			if err := c.PublishEvent(ctx, "pubsub", "events", map[string]string{"id": unique}); err != nil {
				return err
			}
			return got.waitFor("event", unique)
		}},
		{"bulk publish", func(ctx context.Context) error {
			res := c.PublishEvents(ctx, "pubsub", "events", []any{unique + "-1", unique + "-2"})
			if res.Error != nil {
				return res.Error
			}
			if err := got.waitFor("event", unique+"-1"); err != nil {
				return err
			}
			return got.waitFor("event", unique+"-2")
		}},
		{"routing", func(ctx context.Context) error {
			big := map[string]string{"cloudevent.type": "big"}
			if err := c.PublishEvent(ctx, "pubsub", "routed", unique+"-big", client.PublishEventWithMetadata(big)); err != nil {
				return err
			}
			if err := c.PublishEvent(ctx, "pubsub", "routed", unique+"-small"); err != nil {
				return err
			}
			if err := got.waitFor("big", unique+"-big"); err != nil {
				return err
			}
			return got.waitFor("small", unique+"-small")
		}},
		{"streaming subscription", func(ctx context.Context) error {
			stop, err := c.SubscribeWithHandler(ctx, client.SubscriptionOptions{PubsubName: "pubsub", Topic: "streamed"},
				func(e *common.TopicEvent) common.SubscriptionResponseStatus {
					got.add("streamed", string(e.RawData))
					return common.SubscriptionResponseStatusSuccess
				})
			if err != nil {
				return err
			}
			if err := c.PublishEvent(ctx, "pubsub", "streamed", unique); err != nil {
				return err
			}
			if err := got.waitFor("streamed", unique); err != nil {
				return err
			}
			return stop()
		}},
		{"invoke", func(ctx context.Context) error {
			out, err := c.InvokeMethodWithContent(ctx, "sdk", "echo", "post", &client.DataContent{ContentType: "text/plain", Data: []byte(unique)})
			if err != nil {
				return err
			}
			return equal(string(out), unique)
		}},
		{"invoke fails", func(ctx context.Context) error {
			_, err := c.InvokeMethod(ctx, "sdk", "fail", "get")
			if err == nil {
				return errors.New("an error of the app must arrive")
			}
			_, err = c.InvokeMethod(ctx, "ghost", "m", "get")
			if err == nil {
				return errors.New("an app that is not there must be an error")
			}
			return nil
		}},
		{"binding", func(ctx context.Context) error {
			name := map[string]string{"fileName": unique}
			if _, err := c.InvokeBinding(ctx, &client.InvokeBindingRequest{Name: "files", Operation: "create", Data: []byte("hello"), Metadata: name}); err != nil {
				return err
			}
			out, err := c.InvokeBinding(ctx, &client.InvokeBindingRequest{Name: "files", Operation: "get", Metadata: name})
			if err != nil {
				return err
			}
			return equal(string(out.Data), "hello")
		}},
		{"input binding", func(context.Context) error { return got.waitFor("tick", "") }},
		{"secret", func(ctx context.Context) error {
			secret, err := c.GetSecret(ctx, "secrets", "apiKey", nil)
			if err != nil {
				return err
			}
			if err := equal(secret["apiKey"], "s3cret"); err != nil {
				return err
			}
			all, err := c.GetBulkSecret(ctx, "secrets", nil)
			if err != nil {
				return err
			}
			return equal(all["apiKey"]["apiKey"], "s3cret")
		}},
		{"metadata", func(ctx context.Context) error {
			if err := c.SetMetadata(ctx, "greeting", unique); err != nil {
				return err
			}
			metadata, err := c.GetMetadata(ctx)
			if err != nil {
				return err
			}
			return equal(metadata.ExtendedMetadata["greeting"], unique)
		}},
		{"crypto", func(ctx context.Context) error {
			for key, algorithm := range map[string]string{"rsa.pem": "RSA", "symmetric": "AES"} {
				plain := bytes.Repeat([]byte("a secret "), 30_000)
				encrypted, err := c.Encrypt(ctx, bytes.NewReader(plain), client.EncryptOptions{ComponentName: "vault", KeyName: key, KeyWrapAlgorithm: algorithm})
				if err != nil {
					return err
				}
				decrypted, err := c.Decrypt(ctx, encrypted, client.DecryptOptions{ComponentName: "vault"})
				if err != nil {
					return err
				}
				out, err := io.ReadAll(decrypted)
				if err != nil {
					return err
				}
				if !bytes.Equal(out, plain) {
					return fmt.Errorf("%s: %d bytes came back of %d", key, len(out), len(plain))
				}
			}
			return nil
		}},
		{"conversation", func(ctx context.Context) error {
			text := "hello"
			answer, err := c.ConverseAlpha2(ctx, client.ConversationRequestAlpha2{Name: "echo", Inputs: []*client.ConversationInputAlpha2{{
				Messages: []*client.ConversationMessageAlpha2{{ConversationMessageOfUser: &client.ConversationMessageOfUserAlpha2{
					Content: []*client.ConversationMessageContentAlpha2{{Text: &text}},
				}}},
			}}})
			if err != nil {
				return err
			}
			return equal(answer.Outputs[0].Choices[0].Message.Content, "hello")
		}},
	}
	if os.Getenv("CASES_REDIS") == "1" {
		list = append(list, redisCases(c, got, unique)...)
	}
	return list
}

func redisCases(c client.Client, got *seen, unique string) []testCase {
	return []testCase{
		{"lock", func(ctx context.Context) error {
			lock := func(owner string) (*client.LockResponse, error) {
				return c.TryLockAlpha1(ctx, "locks", &client.LockRequest{ResourceID: unique, LockOwner: owner, ExpiryInSeconds: 30})
			}
			first, err := lock("me")
			if err != nil {
				return err
			}
			second, err := lock("you")
			if err != nil {
				return err
			}
			if !first.Success || second.Success {
				return fmt.Errorf("locks: %v, %v", first.Success, second.Success)
			}
			released, err := c.UnlockAlpha1(ctx, "locks", &client.UnlockRequest{ResourceID: unique, LockOwner: "me"})
			if err != nil {
				return err
			}
			return equal(released.StatusCode, int32(0))
		}},
		{"configuration", func(ctx context.Context) error {
			set := func(value string) error {
				return exec.CommandContext(ctx, "redis-cli", "-p", os.Getenv("REDIS_PORT"), "set", unique, value).Run()
			}
			if err := set("one||1"); err != nil {
				return err
			}
			item, err := c.GetConfigurationItem(ctx, "settings", unique)
			if err != nil {
				return err
			}
			if err := equal(item.Value, "one"); err != nil {
				return err
			}
			id, err := c.SubscribeConfigurationItems(ctx, "settings", []string{unique}, func(_ string, items map[string]*client.ConfigurationItem) {
				for _, changed := range items {
					got.add("configuration", changed.Value)
				}
			})
			if err != nil {
				return err
			}
			if err := set("two||2"); err != nil {
				return err
			}
			if err := got.waitFor("configuration", "two"); err != nil {
				return err
			}
			return c.UnsubscribeConfigurationItems(ctx, "settings", id)
		}},
	}
}

func equal[T comparable](got, want T) error {
	if got != want {
		return fmt.Errorf("%v instead of %v", got, want)
	}
	return nil
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
