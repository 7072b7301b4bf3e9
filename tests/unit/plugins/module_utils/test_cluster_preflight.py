# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster that is there already: what its kubeconfig may lack, and how its API server may answer."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args
from ansible.plugins.action import ActionBase

from ansible_collections.meshlab.istio.plugins.action import cluster_preflight_info as action
from ansible_collections.meshlab.istio.plugins.module_utils._cluster_preflight import check
from ansible_collections.meshlab.istio.plugins.modules import cluster_preflight_info
from tests.unit.plugins.loopback import Authority, Reply, Server, free_port


def kubeconfig(
    server: str, cluster: dict[str, Any] | None = None, user: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    return {
        "current-context": "kind",
        "contexts": [{"name": "kind", "context": {"cluster": "there", "user": "me"}}, {"name": "lost"}],
        "clusters": [{"name": "there", "cluster": {"server": server, **(cluster or {})}}],
        "users": [{"name": "me", "user": user or {}}],
        **more,
    }


def found(content: Any, context: str | None = "kind", path: str = "/k/config", timeout: float = 5.0) -> list[str]:
    problems = check(path, content, context, timeout)
    assert all(item["remedy"].endswith(".") for item in problems)
    return [f"{item['check']}: {item['problem']}" for item in problems]


@pytest.mark.parametrize(
    ("user", "header"),
    [
        ({}, None),
        ({"token": "abc"}, "Bearer abc"),
        ({"tokenFile": "token"}, "Bearer from-file"),
        ({"username": "me", "password": "pw"}, "Basic " + base64.b64encode(b"me:pw").decode()),
    ],
)
def test_a_cluster_that_answers(tmp_path: Path, user: dict[str, Any], header: str | None) -> None:
    (tmp_path / "token").write_text("from-file\n")
    with Server() as server:
        content = kubeconfig(server.url("/"), user=user)  # with a slash, as kubectl takes it
        assert found(content, path=str(tmp_path / "config")) == []
        assert found(content, context=None, path=str(tmp_path / "config")) == []
    assert [seen.path for seen in server.seen] == ["/version", "/readyz?verbose=true"] * 2
    assert server.seen[0].headers.get("authorization") == header


def test_certificates_in_files_and_in_the_kubeconfig(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    mine = Path(authority.issue("me"))

    def data(path: str | Path) -> str:
        return base64.b64encode(Path(path).read_bytes()).decode()

    files = ({"certificate-authority": "ca.pem"}, {"client-certificate": mine.name, "client-key": mine.name})
    inside = (
        {"certificate-authority-data": data(authority.path)},
        {"client-certificate-data": data(mine), "client-key-data": data(mine)},
    )
    with Server(context=authority.server_context("127.0.0.1", clients=True)) as server:
        for cluster, user in (files, inside):
            assert found(kubeconfig(server.url(), cluster, user), path=str(tmp_path / "config")) == []
        (untrusted,) = found(kubeconfig(server.url(), {}, inside[1]))
        assert "the server's certificate is not trusted" in untrusted
        assert found(kubeconfig(server.url(), {"insecure-skip-tls-verify": True}, inside[1])) == []
    with Server(context=authority.server_context("kubernetes.example")) as server:
        named = {**inside[0], "tls-server-name": "kubernetes.example"}
        assert found(kubeconfig(server.url(), named)) == []
        assert server.server_names == ["kubernetes.example"]


@pytest.mark.parametrize(
    ("reply", "user", "problem"),
    [
        (Reply(status=401), {"token": "old"}, "credentials: the API server {server} refuses the credentials of kind"),
        (Reply(status=403), {}, None),
        (Reply(status=503), {}, "server: the API server {server} answers 503"),
        (
            Reply(status=500, body=b"[+]ping ok\n[-]etcd failed: reason withheld\n"),
            {},
            "server: the API server {server} answers 500",
        ),
        (Reply(delay=3.0), {}, "server: the API server {server} does not answer: no complete answer came within 0.3 s"),
    ],
)
def test_how_it_may_answer(reply: Reply, user: dict[str, Any], problem: str | None) -> None:
    with Server(lambda _seen: reply) as server:
        expected = [problem.format(server=server.url(""))] if problem else []
        assert found(kubeconfig(server.url(), user=user), timeout=0.3) == expected


def test_a_cluster_without_its_etcd() -> None:
    sick = Reply(status=500, body=b"[+]ping ok\n[-]etcd failed: reason withheld\n")
    with Server(lambda seen: Reply() if seen.path == "/version" else sick) as server:
        (said,) = found(kubeconfig(server.url()))
        assert said == f"server: the API server {server.url('')} answers, but is not well: etcd failed"


def test_a_cluster_that_is_not_there() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert found(kubeconfig(url)) == [
        f"server: the API server {url} does not answer: nothing listens there (connection refused)"
    ]
    (closed,) = found(kubeconfig(url, {"proxy-url": f"http://127.0.0.1:{free_port()}"}))
    assert re.search(
        r"does not answer: the proxy \S+ \(proxy-url in /k/config\) does not answer: nothing listens", closed
    )
    (unknown,) = found(kubeconfig(url, {"proxy-url": "socks5://127.0.0.1:1"}))
    assert "only those with http:// can" in unknown


def test_a_kubeconfig_that_cannot_be_read(tmp_path: Path) -> None:
    path = str(tmp_path / "config")
    assert found(None, path=path) == [f"kubeconfig: the kubeconfig {path} cannot be read: No such file or directory"]
    Path(path).write_text("{")
    assert found(None, path=path) == [f"kubeconfig: the kubeconfig {path} cannot be read: it is no YAML"]


UNUSABLE = "kubeconfig: the kubeconfig /k/config cannot be used: "


@pytest.mark.parametrize(
    ("content", "context", "problem"),
    [
        (kubeconfig("http://a"), "minikube", "context: the kubeconfig /k/config has no context minikube, only kind, l"),
        ({}, "minikube", "context: the kubeconfig /k/config has no context minikube, none"),
        ("text", None, "context: the kubeconfig /k/config has no current context, none"),
        (kubeconfig("http://a"), "lost", "context: the context lost of /k/config leads to no cluster with a server"),
        (kubeconfig("http://a", clusters=[]), "kind", "context: the context kind of /k/config leads to no cluster"),
        (kubeconfig("ftp://a"), "kind", f"{UNUSABLE}The server 'ftp://a' of"),
        (kubeconfig("http://a", user={"tokenFile": "/no"}), "kind", f"{UNUSABLE}/no, which"),
        (
            kubeconfig("https://a", {"certificate-authority-data": "!"}), "kind",
            f"{UNUSABLE}The kubeconfig's certificate-authority-data is not base64",
        ),
    ],
)  # fmt: skip
def test_what_a_kubeconfig_may_lack(content: Any, context: str | None, problem: str) -> None:
    (only,) = found(content, context)
    assert only.startswith(problem)


class Lab(action.ActionModule):
    """The action with a host that is this machine."""

    def __init__(self, arguments: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
        self._task = type("Task", (), {"args": arguments})()
        self.capsys = capsys

    def _execute_module(self, *, module_name: str, module_args: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        if module_name == "ansible.builtin.slurp":
            path = Path(module_args["src"])
            return {"content": base64.b64encode(path.read_bytes()).decode()} if path.exists() else {"failed": True}
        with patch_module_args(module_args), pytest.raises(SystemExit):
            cluster_preflight_info.main()
        answer: dict[str, Any] = json.loads(self.capsys.readouterr().out)
        return answer


def test_from_the_file_to_the_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ActionBase, "run", lambda *_arguments: {})
    path = tmp_path / "config"
    lab = Lab({"kubeconfig": str(path), "context": "kind"}, capsys)
    assert "No such file" in lab.run()["problems"][0]["problem"]
    for text in (b"a: [", b"\xff\xfe\xff"):
        path.write_bytes(text)
        assert "it is no YAML" in lab.run()["problems"][0]["problem"]
    with Server(lambda _seen: Reply(status=401)) as server:
        path.write_text(yaml.safe_dump(kubeconfig(server.url(), user={"token": "a-secret"})))
        result = lab.run()
        assert result["changed"] is False
        # What is said stays readable, and the kubeconfig is not in it.
        assert [item["problem"] for item in result["problems"]] == [
            f"the API server {server.url('')} refuses the credentials of kind"
        ]
        assert "a-secret" not in json.dumps(result)
