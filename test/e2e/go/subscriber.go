package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/dapr/go-sdk/client"
	"github.com/dapr/go-sdk/service/common"
)

// runSubscriber subscribes once over a stream, as any program would, and prints what comes until its input ends.
func runSubscriber(pubsub, topic string) {
	c, err := client.NewClientWithPort(os.Getenv("DAPR_GRPC_PORT"))
	check(err)
	defer c.Close()
	stop, err := c.SubscribeWithHandler(context.Background(), client.SubscriptionOptions{PubsubName: pubsub, Topic: topic},
		func(e *common.TopicEvent) common.SubscriptionResponseStatus {
			fmt.Printf("EVENT %s\n", e.RawData)
			return common.SubscriptionResponseStatusSuccess
		})
	check(err)
	fmt.Println("SUBSCRIBED")
	_, _ = io.Copy(io.Discard, os.Stdin)
	check(stop())
}
