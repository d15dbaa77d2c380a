package main

import (
	"context"
	"encoding/json"

	pb "github.com/dapr/dapr/pkg/proto/components/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// secretStore keeps what its setting "secretsJSON" holds: name -> key -> value.
type secretStore struct {
	pb.UnimplementedSecretStoreServer
	instances
}

func (s *secretStore) Init(ctx context.Context, request *pb.SecretStoreInitRequest) (*pb.SecretStoreInitResponse, error) {
	return &pb.SecretStoreInitResponse{}, s.init(ctx, request.GetMetadata().GetProperties())
}

func (s *secretStore) Features(context.Context, *pb.FeaturesRequest) (*pb.FeaturesResponse, error) {
	return &pb.FeaturesResponse{Features: []string{"MULTIPLE_KEY_VALUES_PER_SECRET"}}, nil
}

func (s *secretStore) Ping(context.Context, *pb.PingRequest) (*pb.PingResponse, error) {
	return &pb.PingResponse{}, nil
}

func (s *secretStore) all(ctx context.Context) (map[string]map[string]string, error) {
	_, properties, err := s.settings(ctx)
	if err != nil {
		return nil, err
	}
	secrets := map[string]map[string]string{}
	if err := json.Unmarshal([]byte(properties["secretsJSON"]), &secrets); err != nil {
		return nil, status.Errorf(codes.Internal, "secretsJSON: %v", err)
	}
	return secrets, nil
}

func (s *secretStore) Get(ctx context.Context, request *pb.GetSecretRequest) (*pb.GetSecretResponse, error) {
	secrets, err := s.all(ctx)
	if err != nil {
		return nil, err
	}
	return &pb.GetSecretResponse{Data: secrets[request.GetKey()]}, nil
}

func (s *secretStore) BulkGet(ctx context.Context, _ *pb.BulkGetSecretRequest) (*pb.BulkGetSecretResponse, error) {
	secrets, err := s.all(ctx)
	if err != nil {
		return nil, err
	}
	data := map[string]*pb.SecretResponse{}
	for name, secret := range secrets {
		data[name] = &pb.SecretResponse{Secrets: secret}
	}
	return &pb.BulkGetSecretResponse{Data: data}, nil
}
