package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dapr/go-sdk/actor"
	"github.com/dapr/go-sdk/actor/runtime"
	"github.com/dapr/go-sdk/client"
	"github.com/dapr/go-sdk/service/common"
	daprgrpc "github.com/dapr/go-sdk/service/grpc"
	daprhttp "github.com/dapr/go-sdk/service/http"
	"google.golang.org/protobuf/types/known/anypb"
)

// Actors and jobs, as users of the SDK write them.
// Environment: DAPR_GRPC_PORT, which the SDK reads itself, APP_PORT, ACTOR_TYPE.

type StockChange struct {
	Item string `json:"item"`
	By   int    `json:"by"`
}
type StockSeen struct {
	Ticks []string `json:"ticks"`
	Rings []string `json:"rings"`
}

// StockActor is hosted; its methods are called by name. The SDK wants exported types.
type StockActor struct {
	actor.ServerImplBaseCtx
	dapr  client.Client
	mutex sync.Mutex
	seen  StockSeen
}

func newStockActor(dapr client.Client) actor.FactoryContext {
	return func() actor.ServerContext { return &StockActor{dapr: dapr} }
}

func (s *StockActor) Type() string { return os.Getenv("ACTOR_TYPE") }

// Add keeps the stock of an item through the state manager.
func (s *StockActor) Add(ctx context.Context, change *StockChange) (*StockChange, error) {
	now := StockChange{Item: change.Item}
	state := s.GetStateManager()
	known, err := state.Contains(ctx, change.Item)
	if err != nil {
		return nil, err
	}
	if known {
		if err := state.Get(ctx, change.Item, &now); err != nil {
			return nil, err
		}
	}
	now.By += change.By
	return &now, state.Set(ctx, change.Item, now)
}

// Raw keeps a value past the state manager, by the client's own calls.
func (s *StockActor) Raw(ctx context.Context, value string) (string, error) {
	set := []*client.ActorStateOperation{{OperationType: "upsert", Key: "raw", Value: []byte(value)}}
	if err := s.dapr.SaveStateTransactionally(ctx, s.Type(), s.ID(), set); err != nil {
		return "", err
	}
	got, err := s.dapr.GetActorState(ctx, &client.GetActorStateRequest{ActorType: s.Type(), ActorID: s.ID(), KeyName: "raw"})
	if err != nil {
		return "", err
	}
	return string(got.Data), nil
}

func (s *StockActor) Where(context.Context) (string, error) { return os.Getenv("APP_PORT"), nil }
func (s *StockActor) Fail(context.Context) (string, error)  { return "", errors.New("out of stock") }

func (s *StockActor) StartTimer(ctx context.Context, data string) error {
	return s.dapr.RegisterActorTimer(ctx, &client.RegisterActorTimerRequest{
		ActorType: s.Type(), ActorID: s.ID(), Name: "tick", DueTime: "100ms", Period: "100ms", CallBack: "Tick",
		Data: []byte(`"` + data + `"`),
	})
}
func (s *StockActor) StopTimer(ctx context.Context) error {
	return s.dapr.UnregisterActorTimer(ctx, &client.UnregisterActorTimerRequest{ActorType: s.Type(), ActorID: s.ID(), Name: "tick"})
}
func (s *StockActor) Tick(_ context.Context, data string) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.seen.Ticks = append(s.seen.Ticks, data)
	return nil
}

func (s *StockActor) StartReminder(ctx context.Context, data string) error {
	every := time.Second
	return s.dapr.RegisterActorReminder(ctx, &client.RegisterActorReminderRequest{
		ActorType: s.Type(), ActorID: s.ID(), Name: "ring", DueTime: "100ms", Period: "100ms", Data: []byte(data),
		FailurePolicy: &client.JobFailurePolicyConstant{Interval: &every},
	})
}
func (s *StockActor) StopReminder(ctx context.Context) error {
	return s.dapr.UnregisterActorReminder(ctx, &client.UnregisterActorReminderRequest{ActorType: s.Type(), ActorID: s.ID(), Name: "ring"})
}
func (s *StockActor) ReminderCall(name string, data []byte, _, _ string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.seen.Rings = append(s.seen.Rings, name+" "+string(data))
}

func (s *StockActor) Seen(context.Context) (*StockSeen, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return &s.seen, nil
}

// stockStub is what callers have of the actor: the SDK fills it in.
type stockStub struct {
	actorType, id string
	Add           func(context.Context, *StockChange) (*StockChange, error)
	Raw           func(context.Context, string) (string, error)
	Where         func(context.Context) (string, error)
	Fail          func(context.Context) (string, error)
	StartTimer    func(context.Context, string) error
	StopTimer     func(context.Context) error
	StartReminder func(context.Context, string) error
	StopReminder  func(context.Context) error
	Seen          func(context.Context) (*StockSeen, error)
}

func (s *stockStub) Type() string { return s.actorType }
func (s *stockStub) ID() string   { return s.id }

func stock(c client.Client, actorType, id string) *stockStub {
	stub := &stockStub{actorType: actorType, id: id}
	c.ImplActorClientStub(stub)
	return stub
}

// runActors hosts the actors over HTTP.
func runActors() {
	c, err := client.NewClient()
	check(err)
	service := daprhttp.NewService("127.0.0.1:" + os.Getenv("APP_PORT"))
	service.RegisterActorImplFactoryContext(newStockActor(c))
	check(service.Start())
}

// runJobs is an app over gRPC: it schedules jobs when it is asked to, is called with their runs, and hosts actors over a
// stream.
func runJobs() {
	c, err := client.NewClient()
	check(err)
	service, err := daprgrpc.NewService("127.0.0.1:" + os.Getenv("APP_PORT"))
	check(err)
	got := &seen{events: map[string][]string{}}
	answer := func(data []byte, err error) (*common.Content, error) {
		return &common.Content{Data: data, ContentType: "application/json"}, err
	}
	check(service.AddServiceInvocationHandler("scheduleJob", func(ctx context.Context, in *common.InvocationEvent) (*common.Content, error) {
		var job struct{ Name, Task, DueTime string }
		if err := json.Unmarshal(in.Data, &job); err != nil {
			return nil, err
		}
		return answer(in.Data, c.ScheduleJobAlpha1(ctx, client.NewJob(job.Name,
			client.WithJobDueTime(job.DueTime), client.WithJobData(&anypb.Any{Value: []byte(job.Task)}),
			client.WithJobConstantFailurePolicyInterval(100*time.Millisecond), client.WithJobConstantFailurePolicyMaxRetries(5))))
	}))
	check(service.AddServiceInvocationHandler("getJob", func(ctx context.Context, in *common.InvocationEvent) (*common.Content, error) {
		job, err := c.GetJobAlpha1(ctx, string(in.Data))
		if err != nil {
			return nil, err
		}
		return answer([]byte(*job.DueTime+" "+string(job.Data.GetValue())), nil)
	}))
	check(service.AddServiceInvocationHandler("deleteJob", func(ctx context.Context, in *common.InvocationEvent) (*common.Content, error) {
		return answer(in.Data, c.DeleteJobAlpha1(ctx, string(in.Data)))
	}))
	check(service.AddServiceInvocationHandler("runs", func(_ context.Context, in *common.InvocationEvent) (*common.Content, error) {
		got.mutex.Lock()
		defer got.mutex.Unlock()
		return answer([]byte(strings.Join(got.events[string(in.Data)], ",")), nil)
	}))
	for _, name := range []string{"R2-D2", "every"} {
		check(service.AddJobEventHandler(name, func(_ context.Context, run *common.JobEvent) error {
			got.add(name, string(run.Data))
			return nil
		}))
	}
	var tries atomic.Int32
	check(service.AddJobEventHandler("flaky", func(context.Context, *common.JobEvent) error {
		if n := tries.Add(1); n < 3 {
			return fmt.Errorf("failure %d", n)
		}
		got.add("flaky", "done")
		return nil
	}))
	actors := runtime.NewActorRuntimeContext()
	actors.RegisterActorFactory(newStockActor(c))
	go func() {
		// The sidecar has to find the app before it takes a stream.
		for range 100 {
			if _, err = c.SubscribeActorEvents(context.Background(), actors, client.ActorEventSubscriptionOptions{}); err == nil {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
		check(err)
	}()
	check(service.Start())
}
