// A component of every kind, written against Dapr's own stubs: the other side of targets/node/pluggable.
package main

import (
	"context"
	"flag"
	"log"
	"net"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"

	pb "github.com/dapr/dapr/pkg/proto/components/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"
)

func main() {
	socket := flag.String("socket", "", "path of the socket to listen at")
	services := flag.String("services", "state,transactions,query,pubsub,input,output,secrets", "what to offer")
	reflect := flag.String("reflection", "both", "both, v1, v1alpha or none")
	flag.Parse()
	_ = os.Remove(*socket)
	listener, err := net.Listen("unix", *socket)
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer()
	events := newEvents()
	for _, service := range strings.Split(*services, ",") {
		switch service {
		case "state":
			pb.RegisterStateStoreServer(server, states)
		case "transactions":
			pb.RegisterTransactionalStateStoreServer(server, states)
			pb.RegisterTransactionalStoreMultiMaxSizeServer(server, states)
		case "query":
			pb.RegisterQueriableStateStoreServer(server, states)
		case "pubsub":
			pb.RegisterPubSubServer(server, newBroker())
		case "input":
			pb.RegisterInputBindingServer(server, &inputBinding{events: events})
		case "output":
			pb.RegisterOutputBindingServer(server, &outputBinding{events: events})
		case "secrets":
			pb.RegisterSecretStoreServer(server, &secretStore{})
		}
	}
	switch *reflect {
	case "both":
		reflection.Register(server)
	case "v1":
		reflection.RegisterV1(server)
	case "v1alpha":
		reflection.Register(onlyAlpha{server})
	}
	go func() {
		ending := make(chan os.Signal, 1)
		signal.Notify(ending, syscall.SIGTERM, syscall.SIGINT)
		<-ending
		server.Stop()
	}()
	if err := server.Serve(listener); err != nil {
		log.Fatal(err)
	}
}

// onlyAlpha keeps every reflection service but the old one out of the server.
type onlyAlpha struct{ *grpc.Server }

func (s onlyAlpha) RegisterService(desc *grpc.ServiceDesc, impl any) {
	if strings.HasPrefix(desc.ServiceName, "grpc.reflection.v1alpha.") {
		s.Server.RegisterService(desc, impl)
	}
}

// instances tells the components of one process apart, as the runtime names them. The zero value is ready.
type instances struct {
	mu    sync.Mutex
	known map[string]map[string]string
}

func instanceOf(ctx context.Context) string {
	md, _ := metadata.FromIncomingContext(ctx)
	if names := md.Get("x-component-instance"); len(names) == 1 {
		return names[0]
	}
	return ""
}

// init keeps the settings of the caller's instance.
func (i *instances) init(ctx context.Context, properties map[string]string) error {
	switch properties["init"] {
	case "fail":
		return status.Error(codes.InvalidArgument, "the setting init says so")
	case "hang":
		<-ctx.Done()
		return ctx.Err()
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.known == nil {
		i.known = map[string]map[string]string{}
	}
	i.known[instanceOf(ctx)] = properties
	return nil
}

// settings refuses an instance that this process was never told of.
func (i *instances) settings(ctx context.Context) (string, map[string]string, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	name := instanceOf(ctx)
	properties, ok := i.known[name]
	if !ok {
		return "", nil, status.Errorf(codes.FailedPrecondition, "instance %q was not initialised", name)
	}
	return name, properties, nil
}
