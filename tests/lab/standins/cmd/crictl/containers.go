// Copyright: (c) 2026, meshlab contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"regexp"
	"sort"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// labels collects repeated --label KEY=VALUE flags.
type labels map[string]string

func (l labels) String() string { return fmt.Sprint(map[string]string(l)) }

func (l labels) Set(text string) error {
	key, value, found := strings.Cut(text, "=")
	if !found {
		return fmt.Errorf("%q is not KEY=VALUE", text)
	}
	l[key] = value
	return nil
}

func setupVersion(*flag.FlagSet) func(context.Context, *connection, []string) error {
	return func(ctx context.Context, c *connection, _ []string) error {
		ctx, cancel := c.limited(ctx, 0)
		defer cancel()
		answer, err := c.runtime.Version(ctx, &cri.VersionRequest{Version: "v1"})
		if err != nil {
			return fmt.Errorf("cannot ask the runtime for its version: %w", err)
		}
		fmt.Fprintf(c.out, "Version:  %s\nRuntimeName:  %s\nRuntimeVersion:  %s\nRuntimeApiVersion:  %s\n",
			answer.Version, answer.RuntimeName, answer.RuntimeVersion, answer.RuntimeApiVersion)
		return nil
	}
}

// setupInfo prints one object: the CRI status, and beside it each part of the verbose information. minikube reads
// config.containerd.runtimes.runc.options.SystemdCgroup from it.
func setupInfo(*flag.FlagSet) func(context.Context, *connection, []string) error {
	return func(ctx context.Context, c *connection, _ []string) error {
		ctx, cancel := c.limited(ctx, 0)
		defer cancel()
		answer, err := c.runtime.Status(ctx, &cri.StatusRequest{Verbose: true})
		if err != nil {
			return fmt.Errorf("cannot ask the runtime for its status: %w", err)
		}
		status, err := protojson.MarshalOptions{EmitUnpopulated: true}.Marshal(answer.Status)
		if err != nil {
			return err
		}
		all := map[string]json.RawMessage{"status": status}
		for key, value := range answer.Info {
			part := json.RawMessage(value)
			if !json.Valid(part) {
				part, _ = json.Marshal(value)
			}
			all[key] = part
		}
		text, err := json.MarshalIndent(all, "", "  ")
		if err != nil {
			return err
		}
		fmt.Fprintln(c.out, string(text))
		return nil
	}
}

func setupPs(flags *flag.FlagSet) func(context.Context, *connection, []string) error {
	all := both(flags.BoolVar, false, "also containers that do not run", "all", "a")
	quiet := both(flags.BoolVar, false, "only ids", "quiet", "q")
	name := flags.String("name", "", "regular expression for the container's name")
	wanted := labels{}
	flags.Var(wanted, "label", "KEY=VALUE the container is labelled with; may be repeated")
	return func(ctx context.Context, c *connection, _ []string) error {
		pattern, err := regexp.Compile(*name)
		if err != nil {
			return fmt.Errorf("--name: %w", err)
		}
		filter := &cri.ContainerFilter{LabelSelector: wanted}
		if !*all {
			filter.State = &cri.ContainerStateValue{State: cri.ContainerState_CONTAINER_RUNNING}
		}
		ctx, cancel := c.limited(ctx, 0)
		defer cancel()
		answer, err := c.runtime.ListContainers(ctx, &cri.ListContainersRequest{Filter: filter})
		if err != nil {
			return fmt.Errorf("cannot list containers: %w", err)
		}
		var found []*cri.Container
		for _, container := range answer.Containers {
			if pattern.MatchString(container.GetMetadata().GetName()) {
				found = append(found, container)
			}
		}
		sort.SliceStable(found, func(i, j int) bool { return found[i].CreatedAt > found[j].CreatedAt })
		if *quiet {
			for _, container := range found {
				fmt.Fprintln(c.out, container.Id)
			}
			return nil
		}
		table := tabwriter.NewWriter(c.out, 0, 8, 2, ' ', 0)
		fmt.Fprintln(table, "CONTAINER\tIMAGE\tCREATED\tSTATE\tNAME\tATTEMPT\tPOD ID\tPOD")
		for _, one := range found {
			age := time.Since(time.Unix(0, one.CreatedAt)).Round(time.Second)
			state := strings.TrimPrefix(one.State.String(), "CONTAINER_")
			fmt.Fprintf(table, "%.13s\t%.20s\t%s ago\t%s\t%s\t%d\t%.13s\t%s\n", one.Id, one.GetImage().GetImage(), age,
				state[:1]+strings.ToLower(state[1:]), one.GetMetadata().GetName(), one.GetMetadata().GetAttempt(),
				one.PodSandboxId, one.Labels["io.kubernetes.pod.name"])
		}
		return table.Flush()
	}
}

func setupStop(flags *flag.FlagSet) func(context.Context, *connection, []string) error {
	grace := both(flags.Int64Var, 0, "seconds between the request to stop and the kill", "timeout", "t")
	return func(ctx context.Context, c *connection, ids []string) error {
		return each(c, ids, func(id string) error { return c.stop(ctx, id, *grace) })
	}
}

func setupRm(flags *flag.FlagSet) func(context.Context, *connection, []string) error {
	force := both(flags.BoolVar, false, "stop a running container first", "force", "f")
	return func(ctx context.Context, c *connection, ids []string) error {
		return each(c, ids, func(id string) error {
			if *force {
				if err := c.stop(ctx, id, 0); err != nil {
					return err
				}
			}
			ctx, cancel := c.limited(ctx, 0)
			defer cancel()
			if _, err := c.runtime.RemoveContainer(ctx, &cri.RemoveContainerRequest{ContainerId: id}); err != nil {
				return fmt.Errorf("cannot remove container %s: %w", id, err)
			}
			return nil
		})
	}
}

func (c *connection) stop(ctx context.Context, id string, grace int64) error {
	ctx, cancel := c.limited(ctx, time.Duration(grace)*time.Second)
	defer cancel()
	if _, err := c.runtime.StopContainer(ctx, &cri.StopContainerRequest{ContainerId: id, Timeout: grace}); err != nil {
		return fmt.Errorf("cannot stop container %s: %w", id, err)
	}
	return nil
}

// each runs act for all ids at once, as crictl does (cri-tools cmd/crictl/container.go: AggregateGoroutines): minikube
// names every container in one call and gives it five minutes. It prints the ids that went well, in the order given,
// and returns all failures.
func each(c *connection, ids []string, act func(string) error) error {
	if len(ids) == 0 {
		return errors.New("no id given")
	}
	failures := make([]error, len(ids))
	var running sync.WaitGroup
	for number, id := range ids {
		running.Add(1)
		go func() {
			defer running.Done()
			failures[number] = act(id)
		}()
	}
	running.Wait()
	for number, id := range ids {
		if failures[number] == nil {
			fmt.Fprintln(c.out, id)
		}
	}
	return errors.Join(failures...)
}
