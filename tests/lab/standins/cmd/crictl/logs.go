// Copyright: (c) 2026, meshlab contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

const followInterval = 200 * time.Millisecond

func setupLogs(flags *flag.FlagSet) func(context.Context, *connection, []string) error {
	tail := flags.Int("tail", -1, "only the last N lines")
	follow := both(flags.BoolVar, false, "go on showing what is written until interrupted", "follow", "f")
	return func(ctx context.Context, c *connection, ids []string) error {
		if len(ids) != 1 {
			return fmt.Errorf("logs takes one id, not %d", len(ids))
		}
		limited, cancel := c.limited(ctx, 0)
		defer cancel()
		answer, err := c.runtime.ContainerStatus(limited, &cri.ContainerStatusRequest{ContainerId: ids[0]})
		if err != nil {
			return fmt.Errorf("cannot find container %s: %w", ids[0], err)
		}
		file, err := os.Open(answer.GetStatus().GetLogPath())
		if err != nil {
			return fmt.Errorf("cannot read the log of container %s: %w", ids[0], err)
		}
		defer file.Close()
		return showLog(ctx, file, c.out, *tail, *follow)
	}
}

// showLog writes the messages of a CRI log: the last tail lines (all when negative), then, with follow, each new
// line until ctx ends.
func showLog(ctx context.Context, log io.Reader, out io.Writer, tail int, follow bool) error {
	reader := bufio.NewReader(log)
	var kept []string
	for {
		line, err := reader.ReadString('\n')
		if line != "" {
			kept = append(kept, line)
			if tail >= 0 && len(kept) > tail {
				kept = kept[1:]
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	for _, line := range kept {
		fmt.Fprint(out, message(line))
	}
	unfinished := "" // the runtime may be in the middle of writing a line
	for follow {
		line, err := reader.ReadString('\n')
		unfinished += line
		if err == nil {
			fmt.Fprint(out, message(unfinished))
			unfinished = ""
			continue
		}
		if !errors.Is(err, io.EOF) {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(followInterval):
		}
	}
	return nil
}

// message takes what the container wrote out of `TIME STREAM P|F MESSAGE`; P marks a line that goes on in the next.
func message(line string) string {
	fields := strings.SplitN(line, " ", 4)
	if len(fields) < 4 {
		return line
	}
	if fields[2] == "P" {
		return strings.TrimSuffix(fields[3], "\n")
	}
	return fields[3]
}
