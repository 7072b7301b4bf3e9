# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Kubernetes says about something that isn't ready, and whether waiting can help: one table.

*Final*: no amount of waiting helps, a person must change something. *Passing*: it may well go by itself; it is
shown as progress and counts as a failure only when it lasts for the caller's ``failure_grace``.

The words were read in Kubernetes 1.34.4: pkg/kubelet/images/{types,image_manager}.go,
pkg/kubelet/container/sync_result.go, pkg/kubelet/kuberuntime/{kuberuntime_container,security_context_others}.go,
pkg/kubelet/events/event.go, pkg/kubelet/kubelet_pods.go, pkg/scheduler/framework/plugins/*,
pkg/controller/volume/{events/event,persistentvolume/pv_controller}.go,
pkg/controller/{job/job_controller,deployment/util/deployment_util,statefulset/stateful_set_control}.go,
k8s.io/api: batch/v1/types.go, k8s.io/apiextensions-apiserver: pkg/controller/status/naming_controller.go,
k8s.io/kube-aggregator: pkg/controllers/status/remote/remote_available_controller.go,
plugin/pkg/admission/serviceaccount/admission.go, and k8s.io/apiserver 0.34.4:
pkg/admission/plugin/{resourcequota,namespace/lifecycle,webhook/errors}.
What a registry answers is in containerd's and Docker's words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Reason:
    """One row: what is said, what it means, and what a person can do about it.

    :param words: the reason, as in ``state.waiting.reason``, ``state.terminated.reason``, ``event.reason`` or
        ``condition.reason``; or the word of ``_trouble`` for what only an object's fields tell.
    :param final: waiting cannot help.
    :param advice: a sentence that says what to do.
    :param says: regular expression that must be found in the message; case doesn't matter.
    :param settle: seconds it must last before a final row is believed: somebody may just be creating what is missing.
    :param restarts: the row counts only from this number of restarts on.
    :param proof: name of a check in ``_trouble.PROOFS`` that must agree, for what the message alone does not say.
    """

    words: tuple[str, ...]
    final: bool
    advice: str
    says: str = ""
    settle: float = 0.0
    restarts: int = 0
    proof: str = ""


PULL = ("ErrImagePull", "ImagePullBackOff")
CONFIG = ("CreateContainerConfigError",)
START = ("RunContainerError", "CreateContainerError", "StartError", "ContainerCannotRun")
MOUNT = ("FailedMount",)
CREATE = ("FailedCreate", "ReplicaSetCreateError")
CLAIM = ("FailedBinding", "ProvisioningFailed")
UNSCHEDULABLE = ("Unschedulable", "SchedulerError")

SETTLE = 5.0

_RETRY_PULL = "If it is right, delete the pod so that the kubelet tries at once."

REASONS: tuple[Reason, ...] = (
    # -- images ------------------------------------------------------------------------------------
    Reason(
        ("ErrImageNeverPull",), True,
        "Load the image into the node (minikube image load), or let imagePullPolicy be IfNotPresent.",
    ),
    Reason(("InvalidImageName",), True, "Correct the image's name in the manifest."),
    Reason(("SignatureValidationFailed",), True, "Use an image that is signed by a key that the node trusts."),
    Reason(
        PULL, False, "The registry could not be asked. Check the host's network, DNS, proxy and the registry's limits.",
        says=r"i/o timeout|TLS handshake timeout|deadline exceeded|connection (refused|reset)|no such host"
        r"|temporary failure|server misbehaving|network is unreachable|no route to host|unexpected EOF|: EOF"
        r"|toomanyrequests|too many requests|pull QPS exceeded|\b(429|500|502|503|504)\b",
    ),
    Reason(
        PULL, True, f"Check the image's name and tag. {_RETRY_PULL}",
        says=r"code = NotFound|not found|manifest unknown|name unknown|does not exist|no match for platform"
        r"|no matching manifest|invalid reference format",
    ),
    Reason(
        PULL, True, f"Give the service account an imagePullSecret that may read the image. {_RETRY_PULL}",
        says=r"unauthorized|authorization failed|access denied|insufficient_scope|authentication required|\b40[13]\b"
        r"|code = (Unauthenticated|PermissionDenied)",
    ),
    Reason(PULL, False, "Read the message: the image could not be pulled."),
    Reason(("RegistryUnavailable", "ImageInspectError"), False, "Check the registry and the node's container runtime."),
    # -- containers --------------------------------------------------------------------------------
    Reason(CONFIG, False, "The kubelet has not read the object yet.", says=r"failed to sync (configmap|secret) cache"),
    Reason(
        CONFIG, True, "Set runAsUser to a number above 0, or use an image with such a USER.",
        says=r"runAsNonRoot",
    ),
    Reason(
        CONFIG, True, "Create the missing ConfigMap or Secret, or the key in it, or make the reference optional.",
        says=r"(configmap|secret) .*not found|couldn't find key", settle=SETTLE,
    ),
    Reason(CONFIG, True, "Correct the container's configuration in the manifest.", settle=SETTLE),
    Reason(
        START, True, "Correct `command`, `args` or the image: the container's program cannot be started.",
        says=r"executable file not found|no such file or directory|permission denied|no command specified"
        r"|exec format error|not a directory",
    ),
    Reason(START, False, "Read the message: the container could not be started."),
    Reason(
        ("OOMKilled",), True, "Raise the container's memory limit: it was killed again and again.", restarts=2,
    ),
    Reason(("OOMKilled",), False, "The container needs more memory than its limit."),
    Reason(
        ("CrashLoopBackOff", "Error", "Completed"), True,
        "Read the log lines: the container ends every time it is started.", restarts=3,
    ),
    Reason(("CrashLoopBackOff", "Error", "Completed"), False, "The container ended and is started again."),
    Reason(("PostStartHookError", "PreStartHookError", "PreCreateHookError"), False, "Check the container's hooks."),
    Reason(("Unhealthy",), False, "Check the readiness probe and what the container logs."),
    # -- pods --------------------------------------------------------------------------------------
    Reason(
        ("FailedCreatePodSandBox", "NetworkNotReady", "FailedSync"), False,
        "Check the node's network plugin and container runtime.",
    ),
    Reason(
        MOUNT, False, "istiod writes this ConfigMap into each namespace as soon as it leads. Check that it runs.",
        says=r'configmap "istio-ca-root-cert" not found|failed to sync (configmap|secret) cache',
    ),
    Reason(
        MOUNT, True, "Create the missing ConfigMap or Secret, or the key in it, or make the volume optional.",
        says=r"(configmap|secret) .*not found|references non-existent (config|secret) key", settle=SETTLE,
    ),
    Reason(("FailedMount", "FailedAttachVolume", "FailedMapVolume"), False, "Check the pod's volumes."),
    Reason(
        ("Evicted", "Preempted", "NodeLost", "NodeShutdown", "Terminated", "UnexpectedAdmissionError"), False,
        "The node could not keep the pod: check its memory, disk and limits.",
    ),
    Reason(
        ("PodFailed", "JobFailed", "BackoffLimitExceeded", "DeadlineExceeded", "FailedIndexes",
         "MaxFailedIndexesExceeded", "PodFailurePolicy"), True, "Read the log lines.",
    ),
    Reason(("SchedulingGated",), False, "Whatever set the pod's scheduling gates has to take them off."),
    Reason(("NoScheduler",), False, "Check that the scheduler of this name runs, or correct schedulerName."),
    Reason(
        ("ReadinessGatesNotReady", "PodNotReady"), False,
        "The containers are ready, the pod is not. Check what sets its readiness gates, and its node.",
    ),
    Reason(("Terminating",), False, "The pod's successor waits for its end. Check its finalizers and its node."),
    # -- what somebody has stopped, or is taking away -------------------------------------------------
    Reason(("JobSuspended",), True, "Resume it: set `suspend: false` in its spec."),
    Reason(("JobQueued",), False, "Its queue has to admit it. Check the queue and its quota."),
    Reason(("NoParallelism",), True, "Set `parallelism` in its spec to 1 or more: with 0 the job runs no pod."),
    Reason(
        ("DeploymentPaused",), True, "Resume it: set `paused: false` in its spec, or kubectl rollout resume.",
        settle=SETTLE,
    ),
    Reason(("BeingDeleted",), True, "It is being deleted. Wait for its end, then apply again.", settle=SETTLE),
    Reason(("Deleted",), True, "It was there and was deleted meanwhile. Find out by whom, then apply again.",
           settle=SETTLE),
    # -- kinds and APIs ------------------------------------------------------------------------------
    Reason(
        ("PluralConflict", "SingularConflict", "ShortNamesConflict", "KindConflict", "ListKindConflict"), True,
        "Another CustomResourceDefinition of this API group has the name. Remove it, or choose another name.",
        settle=SETTLE,
    ),
    Reason(
        ("ServiceNotFound", "ServiceAccessError", "ServicePortError", "EndpointsNotFound", "EndpointsAccessError",
         "MissingEndpoints", "FailedDiscoveryCheck"), False,
        "Check the service that the APIService names, and the pods behind it.",
    ),
    # -- admission of pods -------------------------------------------------------------------------
    Reason(
        CREATE, False, "The webhook is not answering yet. Check the pods behind its service.",
        says=r"failed calling webhook|failed to call webhook",
    ),
    Reason(
        CREATE, True, "Raise the namespace's ResourceQuota, or ask for less.", says=r"exceeded quota", settle=SETTLE,
    ),
    Reason(
        CREATE, True, "Give the containers the requests and limits that the ResourceQuota asks for.",
        says=r"failed quota",
    ),
    Reason(
        CREATE, True, "Change the pod, or the namespace's pod-security.kubernetes.io labels.",
        says=r"violates PodSecurity",
    ),
    Reason(
        CREATE, True, "Change the pod as the webhook asks, or the rule behind the webhook.", says=r"denied the request",
    ),
    Reason(
        CREATE, True, "Create the service account that the pods name.",
        says=r'error looking up service account .*not found|serviceaccounts? ".*" not found', settle=SETTLE,
    ),
    Reason(
        CREATE, True, "The namespace is being deleted. Wait for its end, then apply again.",
        says=r"being terminated",
    ),
    Reason(
        CREATE, True, "Correct the pod template.", says=r"is invalid:|is forbidden:", settle=SETTLE,
    ),
    Reason(CREATE, False, "The controller could not create the pod and tries again."),
    Reason(("ProgressDeadlineExceeded",), False, "The rollout made no progress within progressDeadlineSeconds."),
    # -- scheduling: each part of "0/N nodes are available: PART, PART." is looked up on its own ---
    Reason(
        UNSCHEDULABLE, True, "No node is large enough. Lower the requests, or give the cluster a larger node.",
        says=r"Insufficient ", settle=SETTLE, proof="larger_than_any_node",
    ),
    Reason(
        UNSCHEDULABLE, False, "The nodes are full. Free some room, or add a node.",
        says=r"Insufficient |Too many pods",
    ),
    Reason(
        UNSCHEDULABLE, True, "Give the pod a toleration, or take the taint off a node.",
        says=r"untolerated taint|taints? that the pod didn't tolerate", settle=SETTLE, proof="lasting_taint",
    ),
    Reason(
        UNSCHEDULABLE, True, "Correct nodeSelector or nodeAffinity, or label a node.",
        says=r"didn't match Pod's node affinity|didn't match the requested node name|didn't match node selector"
        r"|didn't match PersistentVolume's node affinity|volume node affinity conflict", settle=SETTLE,
    ),
    Reason(
        UNSCHEDULABLE, True, "Create the PersistentVolumeClaim that the pod names.",
        says=r'persistentvolumeclaim ".*" not found', settle=SETTLE,
    ),
    Reason(UNSCHEDULABLE, False, "No node takes the pod at the moment."),
    # -- claims ------------------------------------------------------------------------------------
    Reason(
        CLAIM, True, "Make a StorageClass the default (minikube addons enable default-storageclass), name one in the "
        "claim, or create a PersistentVolume.",
        says=r"no storage class is set", settle=SETTLE,
    ),
    Reason(
        CLAIM, True, "Create the StorageClass that the claim names, or name another.",
        says=r"storageclass\S* \"?.*not found", settle=SETTLE,
    ),
    Reason(
        ("ClaimLost", "ClaimMisbound"), True,
        "Its volume is gone, and the data with it. Delete the claim and apply it again.",
    ),
    Reason(CLAIM, False, "The claim has no volume yet. Check the storage provisioner."),
)  # fmt: skip


def judge(word: str, message: str, restarts: int = 0) -> list[Reason]:
    """Return the rows that fit, most telling first; [] for a word that means nothing bad.

    The first row whose ``proof`` holds (or that needs none) is the verdict.
    """
    return [
        row
        for row in REASONS
        if word in row.words and restarts >= row.restarts and re.search(row.says, message, re.IGNORECASE)
    ]
