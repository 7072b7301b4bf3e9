// Copyright: (c) 2026, meshlab contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

const (
	defaultEndpoint = "unix:///run/containerd/containerd.sock"
	largestAnswer   = 16 << 20 // bytes; a full list of images with labels exceeds gRPC's 4 MiB
)

// connection is the runtime behind one socket, and where results are written.
type connection struct {
	runtime cri.RuntimeServiceClient
	images  cri.ImageServiceClient
	timeout time.Duration
	out     io.Writer
	close   func() error
}

// findEndpoint returns the first of: the flag, CONTAINER_RUNTIME_ENDPOINT, the configuration file's
// runtime-endpoint, containerd's default. A path without a scheme is a Unix socket.
func findEndpoint(given, config string) (string, error) {
	endpoint := given
	if endpoint == "" {
		endpoint = os.Getenv("CONTAINER_RUNTIME_ENDPOINT")
	}
	if endpoint == "" {
		content, err := os.ReadFile(config)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("cannot read the configuration: %w", err)
		}
		endpoint = configured(string(content))
	}
	if endpoint == "" {
		return defaultEndpoint, nil
	}
	if strings.HasPrefix(endpoint, "/") {
		return "unix://" + endpoint, nil
	}
	return endpoint, nil
}

// configured reads runtime-endpoint from crictl.yaml, which is flat: one `key: value` a line.
func configured(content string) string {
	for _, line := range strings.Split(content, "\n") {
		if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == "runtime-endpoint" {
			return strings.Trim(strings.TrimSpace(value), `"'`)
		}
	}
	return ""
}

func connect(endpoint string, timeout time.Duration, out io.Writer) (*connection, error) {
	client, err := grpc.NewClient(endpoint, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(largestAnswer)))
	if err != nil {
		return nil, fmt.Errorf("%s is not an endpoint of a runtime: %w", endpoint, err)
	}
	return &connection{
		runtime: cri.NewRuntimeServiceClient(client),
		images:  cri.NewImageServiceClient(client),
		timeout: timeout,
		out:     out,
		close:   client.Close,
	}, nil
}

// limited bounds one call; extra is added where the runtime itself is asked to wait.
func (c *connection) limited(ctx context.Context, extra time.Duration) (context.Context, context.CancelFunc) {
	if c.timeout <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, c.timeout+extra)
}
