// Copyright: (c) 2026, meshlab contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"text/tabwriter"

	"google.golang.org/protobuf/encoding/protojson"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

func setupImages(flags *flag.FlagSet) func(context.Context, *connection, []string) error {
	quiet := both(flags.BoolVar, false, "only ids", "quiet", "q")
	output := both(flags.StringVar, "table", "json or table", "output", "o")
	return func(ctx context.Context, c *connection, args []string) error {
		if *output != "json" && *output != "table" {
			return fmt.Errorf("--output is json or table, not %q", *output)
		}
		request := &cri.ListImagesRequest{}
		if len(args) > 0 {
			request.Filter = &cri.ImageFilter{Image: &cri.ImageSpec{Image: args[0]}}
		}
		ctx, cancel := c.limited(ctx, 0)
		defer cancel()
		answer, err := c.images.ListImages(ctx, request)
		if err != nil {
			return fmt.Errorf("cannot list images: %w", err)
		}
		if *output == "json" {
			// protojson gives the names minikube parses: repoTags, repoDigests, size as a string.
			text, err := protojson.MarshalOptions{EmitUnpopulated: true, Multiline: true}.Marshal(answer)
			if err != nil {
				return err
			}
			fmt.Fprintln(c.out, string(text))
			return nil
		}
		return printImages(c, answer.Images, *quiet)
	}
}

func printImages(c *connection, images []*cri.Image, quiet bool) error {
	table := tabwriter.NewWriter(c.out, 0, 8, 2, ' ', 0)
	if !quiet {
		fmt.Fprintln(table, "IMAGE\tTAG\tIMAGE ID\tSIZE")
	}
	for _, image := range images {
		if quiet {
			fmt.Fprintln(table, image.Id)
			continue
		}
		tags := image.RepoTags
		if len(tags) == 0 {
			tags = []string{"<none>:<none>"}
		}
		for _, reference := range tags {
			colon := strings.LastIndex(reference, ":")
			fmt.Fprintf(table, "%s\t%s\t%.13s\t%.1fMB\n", reference[:colon], reference[colon+1:],
				strings.TrimPrefix(image.Id, "sha256:"), float64(image.Size)/1e6)
		}
	}
	return table.Flush()
}

// setupPull sets no time limit: how long a download takes is the registry's business.
func setupPull(*flag.FlagSet) func(context.Context, *connection, []string) error {
	return func(ctx context.Context, c *connection, references []string) error {
		return each(c, references, func(reference string) error {
			request := &cri.PullImageRequest{Image: &cri.ImageSpec{Image: reference}}
			if _, err := c.images.PullImage(ctx, request); err != nil {
				return fmt.Errorf("cannot pull %s: %w", reference, err)
			}
			return nil
		})
	}
}

// setupRmi refuses an image that is not there, which the CRI itself would call removed.
func setupRmi(*flag.FlagSet) func(context.Context, *connection, []string) error {
	return func(ctx context.Context, c *connection, references []string) error {
		return each(c, references, func(reference string) error {
			ctx, cancel := c.limited(ctx, 0)
			defer cancel()
			spec := &cri.ImageSpec{Image: reference}
			status, err := c.images.ImageStatus(ctx, &cri.ImageStatusRequest{Image: spec})
			if err != nil {
				return fmt.Errorf("cannot look up %s: %w", reference, err)
			}
			if status.Image == nil {
				return fmt.Errorf("no such image %s", reference)
			}
			if _, err := c.images.RemoveImage(ctx, &cri.RemoveImageRequest{Image: spec}); err != nil {
				return fmt.Errorf("cannot remove %s: %w", reference, err)
			}
			return nil
		})
	}
}
