# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of final and passing reasons, in both directions.

The messages were recorded: those of scheduler, controllers, quota and PodSecurity from Kubernetes 1.34.4 on loopback;
the kubelet's are built by the format strings of the files that _reasons.py names; those about pulls are containerd's
and Docker Hub's.
"""

from __future__ import annotations

import re

import pytest

from ansible_collections.meshlab.istio.plugins.module_utils._reasons import REASONS, judge
from ansible_collections.meshlab.istio.plugins.module_utils._trouble import PROOFS

PULLING = 'failed to pull and unpack image "docker.io/x/y:1": failed to resolve reference "docker.io/x/y:1": '

FINAL = [
    ("ErrImageNeverPull", 'Container image "y:1" is not present with pull policy of Never', 0),
    ("InvalidImageName", 'Failed to apply default image tag "Y::1": couldn\'t parse image name', 0),
    ("SignatureValidationFailed", "image pull failed for y because the signature validation failed", 0),
    ("ErrImagePull", PULLING + "docker.io/x/y:1: not found", 0),
    ("ImagePullBackOff", 'Back-off pulling image "y:1": ErrImagePull: rpc error: code = NotFound desc = ' + PULLING, 0),
    ("ErrImagePull", PULLING + "pull access denied, repository does not exist or may require authorization", 0),
    ("ErrImagePull", PULLING + "failed to authorize: failed to fetch oauth token: unexpected status: 401", 0),
    ("ErrImagePull", PULLING + "unexpected status from HEAD request to https://r.test/v2/y: 403 Forbidden", 0),
    ("ErrImagePull", "no matching manifest for linux/arm64 in the manifest list entries", 0),
    ("CreateContainerConfigError", 'configmap "settings" not found', 0),
    ("CreateContainerConfigError", 'secret "keys" not found', 0),
    ("CreateContainerConfigError", "couldn't find key password in Secret tutorial/keys", 0),
    (
        "CreateContainerConfigError",
        'container has runAsNonRoot and image will run as root (pod: "a_b(c)", container: d)',
        0,
    ),
    ("RunContainerError", 'exec: "nope": executable file not found in $PATH: unknown', 0),
    ("StartError", 'exec: "/nope": stat /nope: no such file or directory: unknown', 0),
    ("OOMKilled", "exit code 137", 2),
    ("CrashLoopBackOff", "exit code 1", 3),
    ("Error", "exit code 1", 3),
    ("FailedMount", 'MountVolume.SetUp failed for volume "v" : configmap "settings" not found', 0),
    ("FailedMount", 'MountVolume.SetUp failed for volume "v" : references non-existent config key: a', 0),
    (
        "FailedCreate",
        'pods "qq-77c4454b95-xfsrn" is forbidden: exceeded quota: q, requested: requests.memory=2Gi, '
        "used: requests.memory=0, limited: requests.memory=1Gi",
        0,
    ),
    ("FailedCreate", 'pods "a" is forbidden: failed quota: q: must specify limits.cpu for: c', 0),
    ("FailedCreate", 'pods "psa-6b95bdfb9f-rvqcx" is forbidden: violates PodSecurity "restricted:latest": x', 0),
    ("FailedCreate", 'admission webhook "w.test" denied the request: no', 0),
    ("FailedCreate", 'pods "a-" is forbidden: error looking up service account n/s: serviceaccount "s" not found', 0),
    ("FailedCreate", "unable to create new content in namespace n because it is being terminated", 0),
    ("FailedCreate", 'Pod "a" is invalid: spec.containers[0].image: Required value', 0),
    ("Unschedulable", "1 node(s) didn't match Pod's node affinity/selector", 0),
    ("Unschedulable", 'persistentvolumeclaim "c" not found', 0),
    ("FailedBinding", "no persistent volumes available for this claim and no storage class is set", 0),
    ("ProvisioningFailed", 'storageclass.storage.k8s.io "nope" not found', 0),
    ("BackoffLimitExceeded", "Job has reached the specified backoff limit", 0),
    ("PodFailed", "", 0),
    ("MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes", 0),
    ("PodFailurePolicy", "Container c for pod n/j-x failed with exit code 3 matching FailJob rule at index 0", 0),
    ("ReplicaSetCreateError", 'replicasets.apps "w-1" is forbidden: exceeded quota: q, requested: count=1', 0),
    ("JobSuspended", "the job is suspended", 0),
    ("NoParallelism", "parallelism is 0", 0),
    ("DeploymentPaused", "its rollout is paused", 0),
    ("BeingDeleted", "being deleted", 0),
    ("Deleted", "", 0),
    ("ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!", 0),
    ("PluralConflict", '"shops" is already in use', 0),
]

PASSING = [
    ("ErrImagePull", PULLING + 'Head "https://r.test/v2/": dial tcp: lookup r.test on 10.96.0.10:53: no such host', 0),
    ("ErrImagePull", PULLING + 'Get "https://r.test/v2/": dial tcp 1.2.3.4:443: i/o timeout', 0),
    ("ErrImagePull", PULLING + "net/http: TLS handshake timeout", 0),
    ("ErrImagePull", "toomanyrequests: You have reached your pull rate limit", 0),
    (
        "ErrImagePull",
        PULLING + "unexpected status from HEAD request to https://r.test/v2/y: 503 Service Unavailable",
        0,
    ),
    ("ErrImagePull", PULLING + "dial tcp 10.0.0.1:5000: connect: connection refused", 0),
    ("ImagePullBackOff", 'Back-off pulling image "y:1"', 0),
    ("RegistryUnavailable", "image pull failed for y because the registry is unavailable", 0),
    ("CreateContainerConfigError", "failed to sync configmap cache: timed out waiting for the condition", 0),
    ("CreateContainerError", "context deadline exceeded", 0),
    ("CrashLoopBackOff", "exit code 1", 1),
    ("CrashLoopBackOff", "exit code 1", 2),
    ("OOMKilled", "exit code 137", 1),
    ("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503", 0),
    ("FailedCreatePodSandBox", "failed to setup network for sandbox: plugin type=bridge failed", 0),
    ("NetworkNotReady", "network is not ready: container runtime network not ready", 0),
    (
        "FailedMount",
        'MountVolume.SetUp failed for volume "istiod-ca-cert" : configmap "istio-ca-root-cert" not found',
        0,
    ),
    ("FailedMount", "MountVolume.SetUp failed for volume: rpc error: code = Aborted", 0),
    (
        "FailedCreate",
        'Internal error occurred: failed calling webhook "rev.namespace.sidecar-injector.istio.io": '
        'failed to call webhook: Post "https://istiod.istio-system.svc:443/inject": dial tcp: connection refused',
        0,
    ),
    ("FailedCreate", "Timeout: request did not complete within requested timeout", 0),
    ("Unschedulable", "no nodes available to schedule pods", 0),
    ("Unschedulable", "1 Too many pods", 0),
    ("Unschedulable", "1 node(s) were unschedulable", 0),
    ("Unschedulable", "pod has unbound immediate PersistentVolumeClaims", 0),
    ("ProvisioningFailed", "failed to provision volume: rpc error: code = Unavailable", 0),
    ("ProgressDeadlineExceeded", 'ReplicaSet "a" has timed out progressing.', 0),
    ("Evicted", "The node was low on resource: memory.", 0),
    ("SchedulingGated", "Scheduling is blocked due to non-empty scheduling gates: example.com/wait", 0),
    ("NoScheduler", "mine has not looked at the pod", 0),
    ("ReadinessGatesNotReady", 'the status of pod readiness gate "a" is not "True", but False', 0),
    ("Terminating", "being deleted", 0),
    ("JobQueued", "suspended until main admits it", 0),
    ("MissingEndpoints", 'endpoints for service/metrics in "n" have no addresses with port name "https"', 0),
]


@pytest.mark.parametrize(("word", "message", "restarts"), FINAL)
def test_waiting_cannot_help(word: str, message: str, restarts: int) -> None:
    row = judge(word, message, restarts)[0]
    assert row.final
    assert row.settle < 10, "a final reason must end the wait within 10 s"


@pytest.mark.parametrize(("word", "message", "restarts"), PASSING)
def test_it_may_pass(word: str, message: str, restarts: int) -> None:
    assert not judge(word, message, restarts)[0].final


@pytest.mark.parametrize("word", ["ContainerCreating", "PodInitializing", "Pulling", "ExternalProvisioning", ""])
def test_nothing_bad_was_said(word: str) -> None:
    assert judge(word, "whatever") == []


@pytest.mark.parametrize("row", REASONS, ids=lambda row: f"{row.words[0]}-{row.says[:20]}")
def test_each_row_can_be_used(row: object) -> None:
    re.compile(row.says)
    assert row.advice.endswith("."), "advice is a sentence"
    assert not row.proof or row.proof in PROOFS


def test_each_row_is_the_first_for_something() -> None:
    """A row behind a more general one would be dead."""
    said = [*FINAL, *PASSING, *OTHERS]
    reached = {id(judge(*case)[0]) for case in said} | {
        id(next(row for row in judge(*case) if not row.proof)) for case in said
    }
    assert [row for row in REASONS if id(row) not in reached] == []


OTHERS = [
    ("CreateContainerConfigError", "something else", 0),
    ("PostStartHookError", "x", 0),
    ("Unschedulable", "1 Insufficient memory", 0),
    ("Unschedulable", "1 node(s) had untolerated taint(s)", 0),
    ("Unschedulable", "anything", 0),
    ("FailedBinding", "anything", 0),
]
