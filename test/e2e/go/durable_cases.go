package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/dapr/go-sdk/client"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// runDurable is what an app of its own does with the actors and jobs of others. True if the arguments are of this.
func runDurable(args []string) bool {
	if len(args) == 0 {
		return false
	}
	cases := map[string]func(client.Client) []testCase{
		"call-actors": actorCases, "call-jobs": jobCases, "call-rest": restCases,
	}[args[0]]
	switch {
	case args[0] == "host-actors":
		runActors()
	case args[0] == "host-jobs":
		runJobs()
	case cases != nil:
		c, err := client.NewClient()
		check(err)
		defer c.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
		defer cancel()
		report(ctx, cases(c))
	default:
		return false
	}
	return true
}

// eventually tries again until there is no error.
func eventually(what func() error) error {
	err := what()
	for end := time.Now().Add(10 * time.Second); err != nil && time.Now().Before(end); err = what() {
		time.Sleep(20 * time.Millisecond)
	}
	return err
}

func same[T comparable](got, want T, err error) error {
	if err == nil && got != want {
		err = fmt.Errorf("got %v, not %v", got, want)
	}
	return err
}

func id(name string) string { return fmt.Sprintf("%s-%d", name, time.Now().UnixNano()) }

// survivors are actors that are there before a replica ends, and after it.
var survivors = []string{"lamp-0", "lamp-1", "lamp-2", "lamp-3", "lamp-4", "lamp-5", "lamp-6", "lamp-7"}

// addToSurvivors adds one to each, which makes so many, and looks on how many replicas they are.
func addToSurvivors(ctx context.Context, c client.Client, want, replicas int) error {
	where := map[string]bool{}
	for _, id := range survivors {
		stock := stock(c, "Stock", id)
		got, err := stock.Add(ctx, &StockChange{"survived", 1})
		if err == nil {
			err = same(got.By, want, nil)
		}
		if err != nil {
			return err
		}
		host, err := stock.Where(ctx)
		if err != nil {
			return err
		}
		where[host] = true
	}
	return same(len(where), replicas, nil)
}

func actorCases(c client.Client) []testCase {
	list := []testCase{
		{"survivors", func(ctx context.Context) error { return addToSurvivors(ctx, c, 1, 2) }},
		{"a reminder of a type that another app hosts", func(ctx context.Context) error {
			err := c.RegisterActorReminder(ctx, &client.RegisterActorReminderRequest{ActorType: "Stock", ActorID: "x", Name: "n", DueTime: "1s"})
			return same(status.Code(err), codes.PermissionDenied, nil)
		}},
		{"an unknown type", func(ctx context.Context) error {
			_, err := c.InvokeActor(ctx, &client.InvokeActorRequest{ActorType: "Nowhere", ActorID: "x", Method: "Add"})
			return same(status.Code(errors.Unwrap(err)), codes.FailedPrecondition, nil)
		}},
	}
	for _, actorType := range []string{"Stock", "StreamedStock"} {
		list = append(list, casesOfType(c, actorType)...)
	}
	return list
}

func casesOfType(c client.Client, actorType string) []testCase {
	of := func(name string, run func(ctx context.Context, stock *stockStub) error) testCase {
		return testCase{actorType + " " + name, func(ctx context.Context) error { return run(ctx, stock(c, actorType, id(name))) }}
	}
	return []testCase{
		of("stub", func(ctx context.Context, stock *stockStub) error {
			if _, err := stock.Add(ctx, &StockChange{"lamp", 2}); err != nil {
				return err
			}
			got, err := stock.Add(ctx, &StockChange{"lamp", 3})
			return same(*got, StockChange{"lamp", 5}, err)
		}),
		of("InvokeActor", func(ctx context.Context, stock *stockStub) error {
			got, err := c.InvokeActor(ctx, &client.InvokeActorRequest{
				ActorType: stock.Type(), ActorID: stock.ID(), Method: "Add", Data: []byte(`{"item":"lamp","by":4}`),
			})
			if err != nil {
				return err
			}
			return same(string(got.Data), `{"item":"lamp","by":4}`, nil)
		}),
		of("raw state", func(ctx context.Context, stock *stockStub) error {
			got, err := stock.Raw(ctx, `{"any":"bytes"}`)
			return same(got, `{"any":"bytes"}`, err)
		}),
		of("error", func(ctx context.Context, stock *stockStub) error {
			_, err := c.InvokeActor(ctx, &client.InvokeActorRequest{ActorType: stock.Type(), ActorID: stock.ID(), Method: "Fail"})
			return same(status.Code(errors.Unwrap(err)), codes.Internal, nil)
		}),
		of("timer", func(ctx context.Context, stock *stockStub) error {
			if err := stock.StartTimer(ctx, "tock"); err != nil {
				return err
			}
			return calledBack(ctx, stock, stock.StopTimer, func(seen *StockSeen) []string { return seen.Ticks }, "tock")
		}),
		of("reminder", func(ctx context.Context, stock *stockStub) error {
			if err := stock.StartReminder(ctx, "wake up"); err != nil {
				return err
			}
			return calledBack(ctx, stock, stock.StopReminder, func(seen *StockSeen) []string { return seen.Rings }, "ring wake up")
		}),
	}
}

// calledBack waits for callbacks, stops them, and says whether they have stopped.
func calledBack(ctx context.Context, stock *stockStub, stop func(context.Context) error, of func(*StockSeen) []string, want string) error {
	list := func() ([]string, error) {
		seen, err := stock.Seen(ctx)
		return of(seen), err
	}
	err := eventually(func() error {
		got, err := list()
		if err == nil && len(got) < 2 {
			err = fmt.Errorf("called back %d times", len(got))
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := stop(ctx); err != nil {
		return err
	}
	before, err := list()
	if err != nil {
		return err
	}
	time.Sleep(300 * time.Millisecond)
	after, err := list()
	if err != nil {
		return err
	}
	if slices.ContainsFunc(after, func(each string) bool { return each != want }) {
		return fmt.Errorf("called back with %q", after)
	}
	return same(len(after), len(before), nil)
}

// restCases run after one of the two replicas has ended.
func restCases(c client.Client) []testCase {
	return []testCase{{"survivors after a replica has ended", func(ctx context.Context) error {
		return addToSurvivors(ctx, c, 2, 1)
	}}}
}

func jobCases(c client.Client) []testCase {
	invoke := func(ctx context.Context, method, data string) (string, error) {
		out, err := c.InvokeMethodWithContent(ctx, os.Getenv("JOBS_APP"), method, "post", &client.DataContent{ContentType: "application/json", Data: []byte(data)})
		return string(out), err
	}
	runs := func(ctx context.Context, name, want string) error {
		return eventually(func() error {
			got, err := invoke(ctx, "runs", name)
			if err == nil && !strings.Contains(got, want) {
				err = fmt.Errorf("runs %q", got)
			}
			return err
		})
	}
	unknown := func(err error) error {
		if status.Code(err) != codes.Internal || !strings.Contains(err.Error(), "job not found") {
			return fmt.Errorf("not the error of an unknown job: %w", err)
		}
		return nil
	}
	return []testCase{
		{"a job that another app asks for", func(ctx context.Context) error {
			if _, err := invoke(ctx, "scheduleJob", `{"name":"R2-D2","task":"{\"task\":\"Oil Change\"}","dueTime":"1s"}`); err != nil {
				return err
			}
			got, err := invoke(ctx, "getJob", "R2-D2")
			if err := same(got, `1s {"task":"Oil Change"}`, err); err != nil {
				return err
			}
			if err := runs(ctx, "R2-D2", `{"task":"Oil Change"}`); err != nil {
				return err
			}
			got, err = invoke(ctx, "runs", "R2-D2")
			return same(got, `{"task":"Oil Change"}`, err)
		}},
		{"a job that is deleted", func(ctx context.Context) error {
			if _, err := invoke(ctx, "scheduleJob", `{"name":"C-3PO","task":"never","dueTime":"1h"}`); err != nil {
				return err
			}
			if _, err := invoke(ctx, "deleteJob", "C-3PO"); err != nil {
				return err
			}
			_, err := invoke(ctx, "getJob", "C-3PO")
			if err == nil {
				return errors.New("it is still there")
			}
			return nil
		}},
		{"a job whose handler fails at first", func(ctx context.Context) error {
			if _, err := invoke(ctx, "scheduleJob", `{"name":"flaky","task":"x","dueTime":"0s"}`); err != nil {
				return err
			}
			return runs(ctx, "flaky", "done")
		}},
		{"the same job twice", func(ctx context.Context) error {
			job := client.NewJob("twice", client.WithJobSchedule("@yearly"), client.WithJobRepeats(3), client.WithJobTTL("9000h"), client.WithJobDropFailurePolicy())
			if err := c.ScheduleJob(ctx, job); err != nil {
				return err
			}
			if err := same(status.Code(c.ScheduleJob(ctx, job)), codes.AlreadyExists, nil); err != nil {
				return err
			}
			job.Overwrite = true
			return c.ScheduleJob(ctx, job)
		}},
		{"what was scheduled is read as it was", func(ctx context.Context) error {
			data, err := anypb.New(wrapperspb.String("hello"))
			if err != nil {
				return err
			}
			job := client.NewJob("full", client.WithJobSchedule("TZ=Europe/Berlin 0 30 2 * * MON-FRI"), client.WithJobRepeats(3),
				client.WithJobDueTime("2h"), client.WithJobTTL("9000h"), client.WithJobData(data),
				client.WithJobConstantFailurePolicyInterval(2*time.Second), client.WithJobConstantFailurePolicyMaxRetries(7))
			if err := c.ScheduleJob(ctx, job); err != nil {
				return err
			}
			got, err := c.GetJob(ctx, "full")
			if err != nil {
				return err
			}
			policy, _ := got.FailurePolicy.(*client.JobFailurePolicyConstant)
			text := fmt.Sprint(got.Name, *got.Schedule, *got.Repeats, *got.DueTime, *got.TTL, got.Data, *policy.Interval, *policy.MaxRetries)
			want := fmt.Sprint(job.Name, *job.Schedule, *job.Repeats, *job.DueTime, *job.TTL, data, 2*time.Second, 7)
			return same(text, want, nil)
		}},
		{"a job that is not there", func(ctx context.Context) error {
			_, err := c.GetJob(ctx, "nowhere")
			if err := unknown(err); err != nil {
				return err
			}
			return c.DeleteJob(ctx, "nowhere")
		}},
		{"a job of another app", func(ctx context.Context) error {
			if _, err := invoke(ctx, "scheduleJob", `{"name":"BB-8","task":"x","dueTime":"1h"}`); err != nil {
				return err
			}
			_, err := c.GetJob(ctx, "BB-8")
			return unknown(err)
		}},
	}
}
