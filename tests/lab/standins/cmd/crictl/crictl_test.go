// Copyright: (c) 2026, meshlab contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

const namespaceLabel = "io.kubernetes.pod.namespace"

// fakeRuntime keeps what it was asked, and answers from what it holds; it listens on a socket as containerd does.
type fakeRuntime struct {
	cri.UnimplementedRuntimeServiceServer
	cri.UnimplementedImageServiceServer
	logPath string
	mutex   sync.Mutex
	calls   []string
	// together, when set, holds each stop until that many are being asked for.
	together *sync.WaitGroup
}

func (f *fakeRuntime) called(what string) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.calls = append(f.calls, what)
}

func (f *fakeRuntime) Version(context.Context, *cri.VersionRequest) (*cri.VersionResponse, error) {
	return &cri.VersionResponse{Version: "0.1.0", RuntimeName: "containerd", RuntimeVersion: "1.6.20",
		RuntimeApiVersion: "v1"}, nil
}

func (f *fakeRuntime) Status(context.Context, *cri.StatusRequest) (*cri.StatusResponse, error) {
	return &cri.StatusResponse{
		Status: &cri.RuntimeStatus{Conditions: []*cri.RuntimeCondition{{Type: "RuntimeReady", Status: true}}},
		Info: map[string]string{
			"config":            `{"containerd":{"runtimes":{"runc":{"options":{"SystemdCgroup":true}}}}}`,
			"lastCNILoadStatus": "no network config found", // containerd sends plain text here when it failed
		},
	}, nil
}

func (f *fakeRuntime) ListContainers(_ context.Context, r *cri.ListContainersRequest) (*cri.ListContainersResponse,
	error) {
	all := []*cri.Container{
		{Id: "old", CreatedAt: 1, State: cri.ContainerState_CONTAINER_EXITED, Metadata: &cri.ContainerMetadata{Name: "etcd"},
			Labels: map[string]string{namespaceLabel: "kube-system"}},
		{Id: "new", CreatedAt: 2, State: cri.ContainerState_CONTAINER_RUNNING, Metadata: &cri.ContainerMetadata{Name: "etcd"},
			Labels: map[string]string{namespaceLabel: "kube-system"}},
		{Id: "app", CreatedAt: 3, State: cri.ContainerState_CONTAINER_RUNNING, Metadata: &cri.ContainerMetadata{Name: "app"},
			Labels: map[string]string{namespaceLabel: "default"}},
	}
	answer := &cri.ListContainersResponse{}
	for _, one := range all {
		if r.Filter.State != nil && r.Filter.State.State != one.State {
			continue
		}
		if want, asked := r.Filter.LabelSelector[namespaceLabel]; asked && want != one.Labels[namespaceLabel] {
			continue
		}
		answer.Containers = append(answer.Containers, one)
	}
	return answer, nil
}

func (f *fakeRuntime) StopContainer(_ context.Context, r *cri.StopContainerRequest) (*cri.StopContainerResponse, error) {
	f.called("stop " + r.ContainerId + " " + (map[bool]string{true: "10", false: "0"})[r.Timeout == 10])
	if f.together != nil {
		f.together.Done()
		f.together.Wait()
	}
	return &cri.StopContainerResponse{}, nil
}

func (f *fakeRuntime) RemoveContainer(_ context.Context, r *cri.RemoveContainerRequest) (*cri.RemoveContainerResponse,
	error) {
	f.called("remove " + r.ContainerId)
	return &cri.RemoveContainerResponse{}, nil
}

func (f *fakeRuntime) ContainerStatus(context.Context, *cri.ContainerStatusRequest) (*cri.ContainerStatusResponse, error) {
	return &cri.ContainerStatusResponse{Status: &cri.ContainerStatus{LogPath: f.logPath}}, nil
}

func (f *fakeRuntime) ListImages(_ context.Context, r *cri.ListImagesRequest) (*cri.ListImagesResponse, error) {
	answer := &cri.ListImagesResponse{}
	if r.Filter == nil || r.Filter.Image.Image == "registry.k8s.io/pause:3.10.1" {
		answer.Images = []*cri.Image{{Id: "sha256:0123456789abcdef", RepoTags: []string{"registry.k8s.io/pause:3.10.1"},
			Size: 745000}}
	}
	return answer, nil
}

func (f *fakeRuntime) ImageStatus(_ context.Context, r *cri.ImageStatusRequest) (*cri.ImageStatusResponse, error) {
	if r.Image.Image == "known" {
		return &cri.ImageStatusResponse{Image: &cri.Image{Id: "sha256:1"}}, nil
	}
	return &cri.ImageStatusResponse{}, nil
}

func (f *fakeRuntime) RemoveImage(_ context.Context, r *cri.RemoveImageRequest) (*cri.RemoveImageResponse, error) {
	f.called("rmi " + r.Image.Image)
	return &cri.RemoveImageResponse{}, nil
}

// start serves a fake runtime on a socket and returns it with the path of a crictl.yaml as minikube writes it.
func start(t *testing.T) (*fakeRuntime, string) {
	t.Helper()
	directory := t.TempDir()
	socket := filepath.Join(directory, "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	fake := &fakeRuntime{logPath: filepath.Join(directory, "0.log")}
	server := grpc.NewServer()
	cri.RegisterRuntimeServiceServer(server, fake)
	cri.RegisterImageServiceServer(server, fake)
	go server.Serve(listener) //nolint:errcheck // ends with Stop
	t.Cleanup(server.Stop)
	config := filepath.Join(directory, "crictl.yaml")
	if err := os.WriteFile(config, []byte("runtime-endpoint: unix://"+socket+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return fake, config
}

func call(t *testing.T, config, line string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := run(context.Background(), append([]string{"--config", config}, strings.Fields(line)...), &out)
	return out.String(), err
}

func TestCallsOfMinikube(t *testing.T) {
	_, config := start(t)
	for line, want := range map[string]string{
		"--version": "crictl version " + version + "\n",
		"version": "Version:  0.1.0\nRuntimeName:  containerd\nRuntimeVersion:  1.6.20\n" +
			"RuntimeApiVersion:  v1\n",
		"--timeout=10s ps -a --quiet":                                                 "app\nnew\nold\n",
		"--timeout=10s ps -a --quiet --name=etcd":                                     "new\nold\n",
		"--timeout=10s ps -a --quiet --label " + namespaceLabel + "=default":          "app\n",
		"--timeout=10s ps -a --quiet --name=x --label " + namespaceLabel + "=default": "",
		"ps -q": "app\nnew\n",
		"images --quiet registry.k8s.io/pause:3.10.1":    "sha256:0123456789abcdef\n",
		"images --quiet registry.k8s.io/pause:3.9":       "",
		"--timeout=10s images registry.k8s.io/pause:3.9": "IMAGE  TAG  IMAGE ID  SIZE\n",
	} {
		got, err := call(t, config, line)
		if err != nil || got != want {
			t.Errorf("crictl %s: %q, %v; want %q", line, got, err, want)
		}
	}
}

func TestImagesAsMinikubeParsesThem(t *testing.T) {
	_, config := start(t)
	text, err := call(t, config, "--timeout=10s images --output json")
	if err != nil {
		t.Fatal(err)
	}
	var parsed struct {
		Images []struct {
			ID       string   `json:"id"`
			RepoTags []string `json:"repoTags"`
			Size     string   `json:"size"`
		} `json:"images"`
	}
	if err := json.Unmarshal([]byte(text), &parsed); err != nil {
		t.Fatal(err)
	}
	if len(parsed.Images) != 1 || parsed.Images[0].Size != "745000" || parsed.Images[0].RepoTags[0] !=
		"registry.k8s.io/pause:3.10.1" {
		t.Errorf("parsed %+v from %s", parsed, text)
	}
}

func TestInfoKeepsConfigurationAndText(t *testing.T) {
	_, config := start(t)
	text, err := call(t, config, "--timeout=10s info")
	if err != nil {
		t.Fatal(err)
	}
	var parsed struct {
		Status struct {
			Conditions []struct{ Type string }
		}
		LastCNILoadStatus string `json:"lastCNILoadStatus"`
		Config            struct {
			Containerd struct {
				Runtimes map[string]struct{ Options struct{ SystemdCgroup bool } }
			}
		}
	}
	if err := json.Unmarshal([]byte(text), &parsed); err != nil {
		t.Fatal(err)
	}
	if !parsed.Config.Containerd.Runtimes["runc"].Options.SystemdCgroup ||
		parsed.LastCNILoadStatus != "no network config found" || parsed.Status.Conditions[0].Type != "RuntimeReady" {
		t.Errorf("parsed %+v from %s", parsed, text)
	}
}

func TestRemoval(t *testing.T) {
	fake, config := start(t)
	for line, fails := range map[string]bool{
		"rm --force a b": false, "stop --timeout=10 c": false, "rmi known": false, "rmi unknown": true, "rm": true,
	} {
		if _, err := call(t, config, line); (err != nil) != fails {
			t.Errorf("crictl %s: %v", line, err)
		}
	}
	got := strings.Join(fake.calls, ",")
	for _, want := range []string{"stop a 0", "remove a", "stop b 0", "remove b", "stop c 10", "rmi known"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q was not asked of the runtime: %s", want, got)
		}
	}
	if strings.Contains(got, "rmi unknown") {
		t.Error("an image that is not there was removed")
	}
}

func TestStopsAtOnceAndPrintsInOrder(t *testing.T) {
	fake, config := start(t)
	fake.together = &sync.WaitGroup{}
	fake.together.Add(3)
	if got, err := call(t, config, "stop c a b"); err != nil || got != "c\na\nb\n" {
		t.Errorf("stop: %q, %v", got, err)
	}
}

func TestLogs(t *testing.T) {
	fake, config := start(t)
	log := "2026-11-23T18:00:00.1Z stdout F one\n2026-11-23T18:00:01.1Z stdout P tw\n2026-11-23T18:00:01.1Z stderr F o\n"
	if err := os.WriteFile(fake.logPath, []byte(log), 0o600); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{"logs x": "one\ntwo\n", "logs --tail 2 x": "two\n"} {
		if got, err := call(t, config, line); err != nil || got != want {
			t.Errorf("crictl %s: %q, %v; want %q", line, got, err, want)
		}
	}
}

func TestFailures(t *testing.T) {
	_, config := start(t)
	for _, line := range []string{
		"", "nonsense", "ps --label x", "images --output yaml", "logs", "--runtime-endpoint unix:///nowhere version",
		"--runtime-endpoint /nowhere version",
	} {
		if out, err := call(t, config, line); err == nil {
			t.Errorf("crictl %s did not fail: %s", line, out)
		}
	}
}

func TestEndpoint(t *testing.T) {
	_, config := start(t)
	missing := filepath.Join(t.TempDir(), "none")
	if got, err := findEndpoint("", missing); err != nil || got != defaultEndpoint {
		t.Errorf("without anything: %q, %v", got, err)
	}
	if got, _ := findEndpoint("/run/x.sock", config); got != "unix:///run/x.sock" {
		t.Errorf("a path: %q", got)
	}
	t.Setenv("CONTAINER_RUNTIME_ENDPOINT", "unix:///env.sock")
	if got, _ := findEndpoint("", config); got != "unix:///env.sock" {
		t.Errorf("the environment: %q", got)
	}
}
