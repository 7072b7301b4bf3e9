// Copyright: (c) 2026, meshlab contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Program crictl answers the calls that minikube 1.38.1 makes to crictl (pkg/minikube/cruntime/cri.go, containerd.go,
// pkg/minikube/node/start.go, cmd/minikube/cmd/version.go) and those kubeadm 1.34.4 tells a person to make, through
// the Container Runtime Interface v1. Output that minikube parses has the shape of cri-tools 1.34's.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sort"
	"strings"
	"syscall"
	"time"
)

// version is what `crictl --version` shows; minikube prints the line as it is.
const version = "v1.34.4-meshlab-stand-in"

// command is one subcommand: how its flags are declared and what runs once they are parsed.
type command struct {
	help  string
	setup func(*flag.FlagSet) func(context.Context, *connection, []string) error
}

var commands = map[string]command{
	"version": {"show the versions of the runtime", setupVersion},
	"info":    {"show the runtime's status and configuration as JSON", setupInfo},
	"ps":      {"list containers", setupPs},
	"images":  {"list images", setupImages},
	"pull":    {"pull images", setupPull},
	"rmi":     {"remove images", setupRmi},
	"stop":    {"stop containers", setupStop},
	"rm":      {"remove containers", setupRm},
	"logs":    {"show a container's log", setupLogs},
}

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	cancel()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "crictl:", err)
		os.Exit(1)
	}
}

// run parses the global flags, finds the subcommand and runs it; every result goes to out.
func run(ctx context.Context, args []string, out io.Writer) error {
	global := flag.NewFlagSet("crictl", flag.ContinueOnError)
	config := both(global.StringVar, "/etc/crictl.yaml", "file that names the runtime endpoint", "config", "c")
	endpoint := both(global.StringVar, "", "socket of the runtime", "runtime-endpoint", "r")
	both(global.StringVar, "", "socket of the image service (the runtime's own is used)", "image-endpoint", "i")
	timeout := both(global.DurationVar, 2*time.Second, "time-out of one call to the runtime", "timeout", "t")
	showVersion := both(global.BoolVar, false, "show the version", "version", "v")
	global.Bool("debug", false, "accepted")
	global.Usage = func() { usage(global) }
	if err := global.Parse(args); err != nil {
		return err
	}
	if *showVersion {
		fmt.Fprintln(out, "crictl version", version)
		return nil
	}
	if global.NArg() == 0 {
		usage(global)
		return errors.New("no command given")
	}
	name := global.Arg(0)
	chosen, known := commands[name]
	if !known {
		return fmt.Errorf("%q is not a command of this stand-in; it has %s", name, strings.Join(names(), ", "))
	}
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	action := chosen.setup(flags)
	if err := flags.Parse(global.Args()[1:]); err != nil {
		return err
	}
	socket, err := findEndpoint(*endpoint, *config)
	if err != nil {
		return err
	}
	conn, err := connect(socket, *timeout, out)
	if err != nil {
		return err
	}
	defer conn.close()
	return action(ctx, conn, flags.Args())
}

// both declares one option under a long and a short name.
func both[T any](declare func(*T, string, T, string), value T, help string, names ...string) *T {
	target := new(T)
	for _, name := range names {
		declare(target, name, value, help)
	}
	return target
}

func names() []string {
	var all []string
	for name := range commands {
		all = append(all, name)
	}
	sort.Strings(all)
	return all
}

func usage(global *flag.FlagSet) {
	fmt.Fprintln(global.Output(), "crictl [flags] COMMAND [flags] [arguments]")
	for _, name := range names() {
		fmt.Fprintf(global.Output(), "  %-8s %s\n", name, commands[name].help)
	}
	global.PrintDefaults()
}
