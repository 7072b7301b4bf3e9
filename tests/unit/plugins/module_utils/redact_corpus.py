# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts with a secret in them, and texts that only look as if they had: what the redaction is measured on.

All values are invented, and made when the test runs: ``‹kind›`` in a line stands for a secret of that kind, so that no
file of the repository holds anything that a scanner would take for a secret.
"""

from __future__ import annotations

import base64
import json
import random
import re
import string
from typing import Any, Callable

SMALL, CAPITAL, DIGITS = string.ascii_lowercase, string.ascii_uppercase, string.digits
HEXADECIMAL = DIGITS + "abcdef"
MIXED = SMALL + CAPITAL + DIGITS
URLSAFE = MIXED + "-_"
BASE64 = MIXED + "+/"


def _random(letters: str, length: int) -> Callable[[random.Random], str]:
    return lambda chance: "".join(chance.choice(letters) for _ in range(length))


def _after(prefix: str, letters: str, length: int) -> Callable[[random.Random], str]:
    return lambda chance: prefix + "".join(chance.choice(letters) for _ in range(length))


def _word(chance: random.Random) -> str:
    """A password as people choose them."""
    return chance.choice(("hunter", "dragon", "winter", "orchid", "falcon")) + str(chance.randint(100, 99999))


def _plain(chance: random.Random) -> str:
    return chance.choice(("swordfish", "opensesame", "trustnoone", "letmeinplease"))


def _phrase(chance: random.Random) -> str:
    words = ["correcthorse", "batterystaple", "quizzical", "zeppelin", "marmalade", "xylophone"]
    return " ".join(chance.sample(words, 3))


def _special(chance: random.Random) -> str:
    return (
        "Zq"
        + "".join(chance.choice("!#%*+-=~^?.") + chance.choice(MIXED) + chance.choice(DIGITS) for _ in range(4))
        + "k"
    )


def _b64(data: str) -> str:
    return base64.b64encode(data.encode()).decode()


def _jwt(chance: random.Random) -> str:
    parts = [
        _b64(json.dumps({"alg": "RS256", "kid": str(chance.random())})),
        _b64(json.dumps({"sub": str(chance.random())})),
    ]
    return ".".join(part.rstrip("=") for part in parts) + "." + _random(URLSAFE, 60)(chance)


def _pem_body(chance: random.Random) -> str:
    return "\n".join("MIIE" + _random(BASE64, 60)(chance) for _ in range(3))


def pem(kind: str, body: str) -> str:
    return f"-----{'BEGIN'} {kind}-----\n{body}\n-----{'END'} {kind}-----"


KINDS: dict[str, Callable[[random.Random], str]] = {
    "word": _word, "plain": _plain, "phrase": _phrase, "special": _special,
    "number": _random(DIGITS, 8), "hex32": _random(HEXADECIMAL, 32), "hex40": _random(HEXADECIMAL, 40), "hex64": _random(HEXADECIMAL, 64),
    "b62": _random(MIXED, 32), "b64": _random(BASE64, 40), "url": _random(URLSAFE, 43), "short": _random(MIXED, 12),
    "low24": _random(SMALL + DIGITS, 24),
    "jwt": _jwt, "pem": _pem_body,
    "userpass": lambda chance: _b64(f"admin:{_word(chance)}"),
    "b64text": lambda chance: _b64(f"password: {_word(chance)}\nuser: bob\n"),
    "b64pem": lambda chance: _b64(pem("EC PRIVATE KEY", _pem_body(chance))),
    "b64docker": lambda chance: _b64(json.dumps({"auths": {"registry.example": {"auth": _b64("bob:" + _word(chance))}}})),
    "b64word": lambda chance: _b64(_word(chance)),
    "aws_id": _after("AK" + "IA", CAPITAL + "234567", 16),
    "github": _after("gh" + "p_", MIXED, 36), "github_fine": _after("github_" + "pat_", MIXED, 82),
    "gitlab": _after("gl" + "pat-", MIXED, 20), "slack": lambda chance: "xo" + "xb-" + _random(DIGITS, 12)(chance) + "-" + _random(DIGITS, 12)(chance) + "-" + _random(MIXED, 24)(chance),
    "npm": _after("np" + "m_", MIXED, 36), "pypi": _after("pypi-AgEIcHlwaS5" + "vcmc", URLSAFE, 70),
    "stripe": _after("sk_" + "live_", MIXED, 24), "google": _after("AI" + "za", URLSAFE, 35),
    "sendgrid": _after("S" + "G.", MIXED, 66), "twilio": _after("S" + "K", HEXADECIMAL, 32),
    "digitalocean": _after("dop_" + "v1_", HEXADECIMAL, 64), "grafana": _after("gl" + "c_", MIXED, 40),
    "vault": _after("hv" + "s.", URLSAFE, 95), "huggingface": _after("h" + "f_", SMALL, 34),
    "openai": _after("s" + "k-proj-", MIXED, 48), "anthropic": lambda chance: "sk-" + "ant-api03-" + _random(MIXED, 93)(chance) + "AA",
    "docker_pat": _after("dckr_" + "pat_", URLSAFE, 27), "databricks": _after("da" + "pi", HEXADECIMAL, 32),
    "openshift": _after("sha256" + "~", MIXED, 43), "age": _after("AGE-SECRET-" + "KEY-1", "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58),
    "kubeadm": lambda chance: _random(SMALL, 6)(chance) + "." + _random(SMALL, 8)(chance) + _random(DIGITS, 8)(chance),
    "crypt": _after("$" + "6$saltsalt$", MIXED, 60), "bcrypt": _after("$" + "2y$10$", MIXED, 53), "apr1": _after("$ap" + "r1$abcdefgh$", MIXED, 22),
    "telegram": lambda chance: _random("123456789", 9)(chance) + ":A" + "A" + _random(URLSAFE, 33)(chance),
    "gzip": _after("H4s" + "IAAAAAAAA", BASE64, 300),
}  # fmt: skip

FOUND = r"""
# Names and values in configuration files
password=‹word›
password = ‹plain›
password: ‹plain›
password: "‹phrase›"
password: '‹phrase›'
password: ‹phrase›
DB_PASSWORD=‹phrase›
db.password=‹special›
spring.datasource.password=‹plain›
export DB_PASS='‹phrase›'
export API_KEY="‹b62›"
DB_PASS=‹word›
DB_PWD=‹plain›
MYSQL_ROOT_PASSWORD=‹word›
ENCRYPTION_KEY=‹word›
SECRET_KEY_BASE=‹hex64›
DJANGO_SECRET_KEY='‹special›'
aws_secret_access_key = ‹b64›
AWS_SECRET_ACCESS_KEY=‹b64›
AWS_SECRET_ACCESS_KEY=‹word›
AWS_ACCESS_KEY_ID=‹aws_id›
AWS_SESSION_TOKEN="‹b64›"
AZURE_CLIENT_SECRET=‹url›
AZURE_STORAGE_KEY=‹b64›
ARM_CLIENT_SECRET=‹plain›
GOOGLE_API_KEY=‹google›
DIGITALOCEAN_ACCESS_TOKEN=‹digitalocean›
OS_PASSWORD=‹plain›
ALICLOUD_SECRET_KEY=‹b62›
HCLOUD_TOKEN=‹b62›
LINODE_CLI_TOKEN=‹hex64›
VAULT_TOKEN=‹word›
GITHUB_TOKEN=‹github›
CI_JOB_TOKEN=‹low24›
NPM_TOKEN: ‹npm›
SMTP_PASSWORD="‹phrase›"
client_secret: ‹plain›
clientSecret: '‹plain›'
"clientSecret": "‹plain›",
"password": "‹phrase›"
"api_key": "‹plain›",
{"user": "bob", "password": "‹word›", "port": 5432}
{'user': 'bob', 'password': '‹phrase›'}
{"secretAccessKey":"‹b64›","region":"eu-central-1"}
{"level":"info","msg":"connecting","dbPassword":"‹plain›","host":"db"}
refresh_token=‹plain›
id_token: ‹jwt›
accessToken => '‹plain›'
$password = '‹plain›';
password := "‹plain›"
const apiKey = '‹b62›'
  passphrase: >-\n    ‹plain› folded
  password: |\n    ‹plain›\n    ‹phrase›\n  other: shown
tls.key: ‹b64pem›
[redis] requirepass ‹plain›
requirepass ‹plain›
masterauth ‹word›
bindpw ‹plain›
PrivateKey = ‹b64›
PresharedKey = ‹b64›
machine git.example login bob password ‹plain›
db.example:5432:shop:bob:‹plain›
//registry.example/:_authToken=‹low24›
_auth=‹userpass›
registry_password: "‹word›"
ansible_become_password: ‹plain›
ansible_become_pass=‹phrase›
ansible_ssh_pass: "‹phrase›"
lab1 ansible_host=10.0.0.4 ansible_password=‹plain› ansible_user=root
sudo_password: ‹plain›
vault_password: ‹plain›
psk="‹phrase›"
identitytoken: ‹plain›
bob:‹crypt›:19000:0:99999:7:::
bob:‹apr1›
admin:‹bcrypt›
Server=db;Database=shop;User Id=sa;Password=‹plain›;Encrypt=true
DefaultEndpointsProtocol=https;AccountName=shop;AccountKey=‹b64›==;EndpointSuffix=core.windows.net
Endpoint=sb://x.servicebus.example/;SharedAccessKeyName=Root;SharedAccessKey=‹b64›=
host=db user=bob password=‹plain› dbname=shop sslmode=disable
<password>‹phrase›</password>
<add key="DbPassword" value="‹phrase›" />
<property name="hibernate.connection.password" value="‹plain›"/>
<server><id>x</id><username>bob</username><password>‹plain›</password></server>
CREATE USER bob IDENTIFIED BY '‹phrase›';
ALTER ROLE bob WITH PASSWORD '‹plain›';
# Command lines
istioctl install --token ‹plain› --yes
kubectl --token=‹plain› get pods
kubectl --token "‹phrase›" get pods
kubectl config set-credentials bob --password=‹plain›
kubectl create secret generic db --from-literal=user=‹plain›
kubectl create secret generic db --from-literal=password='‹phrase›'
kubectl create secret docker-registry r --docker-username=bob --docker-password=‹plain› --docker-server=r.example
minikube start --docker-env REGISTRY_PASSWORD=‹plain›
minikube start --registry-password ‹plain›
docker login -u bob -p ‹plain› registry.example
docker login --username bob --password '‹phrase›' registry.example
helm registry login r.example -u bob -p ‹plain›
helm upgrade shop ./chart --set db.password=‹plain›,replicas=2
helm upgrade shop ./chart --set-string 'auth.rootPassword=‹phrase›'
docker run -e POSTGRES_PASSWORD=‹plain› postgres
docker run -e 'POSTGRES_PASSWORD=‹phrase›' postgres
docker build --build-arg NPM_TOKEN=‹low24› .
curl -u bob:‹plain› https://api.example/
curl --user 'bob:‹phrase›' https://api.example/
curl -H 'Authorization: Bearer ‹low24›' https://api.example/
curl -H "X-Api-Key: ‹plain›" https://api.example/
curl -H 'PRIVATE-TOKEN: ‹gitlab›' https://git.example/
curl -b 'session=‹low24›' https://api.example/
curl -d '{"password":"‹phrase›"}' https://api.example/login
curl -d 'user=bob&password=‹plain›' https://api.example/login
sshpass -p ‹plain› ssh bob@lab1
sshpass -p '‹phrase›' ssh bob@lab1
mysql -u root -p‹plain› shop
redis-cli -a ‹plain› ping
mongosh -u bob -p ‹plain› shop
ldapsearch -D cn=admin -w ‹plain› -b dc=x
openssl rsa -in key.pem -passin pass:‹plain›
zip -P ‹plain› out.zip in
echo ‹plain› | sudo -S apt-get update
echo '‹phrase›' | sudo -S -k true
sudo -S <<< '‹phrase›' true
printf '%s' '‹phrase›' | docker login --username bob --password-stdin
gh auth login --with-token <<< ‹plain›
vault login ‹plain›
kubeadm join 10.0.0.1:6443 --token ‹kubeadm› --discovery-token-ca-cert-hash sha256:abc
ansible-playbook site.yml -e ansible_become_password=‹plain›
ansible-playbook site.yml -e '{"ansible_become_password": "‹phrase›"}'
PGPASSWORD=‹plain› psql -h db -U bob
java -Djavax.net.ssl.keyStorePassword=‹plain› -jar app.jar
az login --service-principal -u x -p ‹plain› --tenant y
htpasswd -bc file bob ‹plain›
["kubectl", "--token", "‹plain›", "get", "pods"]
['mysql', '--password', '‹phrase›']
args: ["--client-secret", "‹plain›", "--port", "80"]
args:\n  - --client-secret\n  - ‹plain›\n  - --port
run cmd: "tool --password \"‹phrase›\" --verbose"
'/usr/bin/tool' '--token' '‹phrase›' 'x'
tool --password 'it'"'"'s ‹phrase›' --verbose
tool --api-token ‹plain›
tool -token ‹plain›
# URLs
https://bob:‹plain›@git.example/shop.git
https://bob:‹special›@git.example/shop.git
https://oauth2:‹gitlab›@git.example/shop.git
https://‹word›@git.example/shop.git
git clone https://‹github›@github.example/x/y
postgres://bob:‹plain›@db:5432/shop?sslmode=disable
mongodb+srv://bob:‹plain›@cluster0.example/shop
amqp://bob:‹plain›@mq:5672/%2f
redis://:‹plain›@redis:6379/0
jdbc:mysql://db/x?user=a&password=‹plain›
jdbc:oracle:thin:bob/‹plain›@db:1521:x
bob:‹plain›@tcp(db:3306)/shop
GET /login?user=bob&token=‹plain› HTTP/1.1
GET /v1/x?access_token=‹plain›&page=2 HTTP/1.1
GET /maps?key=‹google› HTTP/1.1
https://x.blob.example/c?sv=2022&sp=r&sig=‹url›
https://s3.example/b/o?X-Amz-Signature=‹hex64›&X-Amz-Date=20261129
https://hooks.slack.com/services/T00000000/B00000000/‹low24›
https://discord.com/api/webhooks/123456789/‹url›
https://api.telegram.org/bot‹telegram›/getMe
http_proxy=http://bob:‹plain›@proxy:3128
index-url = https://bob:‹plain›@pypi.example/simple
docker pull failed: Get "https://bob:‹plain›@registry.example/v2/": dial tcp
https://api.example/callback#access_token=‹url›&state=x
https://bob:p‹plain›/‹word›@git.example/x
# Headers
Authorization: Bearer ‹low24›
Authorization: Bearer ‹jwt›
Authorization: Basic ‹userpass›
authorization: token ‹plain›
Authorization: ‹low24›
Proxy-Authorization: Basic ‹userpass›
"authorization": ["Bearer ‹url›"],
> Authorization: Basic ‹userpass›
'authorization', 'Bearer ‹url›'
'x-api-key', '‹plain›'
Header:map[Accept:[*/*] Authorization:[Bearer ‹url›] User-Agent:[x]]
Authorization: Digest username="bob", realm="x", nonce="1", response="‹hex32›"
Authorization: AWS4-HMAC-SHA256 Credential=x/20261129/eu/s3/aws4_request, SignedHeaders=host, Signature=‹hex64›
Cookie: session=‹low24›; theme=dark
Set-Cookie: JSESSIONID=‹plain›; Path=/; HttpOnly
cookie: sid=‹plain›
'cookie', 'session=‹low24›; theme=dark'
X-Vault-Token: ‹plain›
X-Auth-Token: ‹low24›
Sec-WebSocket-Protocol: base64url.bearer.authorization.k8s.io.‹jwt›
the request had Bearer ‹low24› in it
# JSON in text
{"msg":"{\"password\":\"‹phrase›\"}"}
body="{\"kind\":\"Secret\",\"data\":{\"user\":\"‹b64word›\"}}"
{\"password\":\"‹phrase›\",\"user\":\"bob\"}
{\\\"token\\\":\\\"‹phrase›\\\"}
"config": "user: bob\npassword: ‹plain›\nhost: db"
{"kind":"Secret","apiVersion":"v1","data":{"user":"‹b64word›"}}
{"apiVersion":"v1","kind":"List","items":[{"kind":"Secret","data":{"user":"‹b64word›"}}]}
{"kind":"SecretList","items":[{"metadata":{"name":"x"},"data":{"user":"‹b64word›"}}]}
applied {"kind":"Secret","stringData":{"user":"‹plain›","x":"‹phrase›"},"type":"Opaque"} to the cluster
{"data":{"user":"‹b64word›"},"kind":"Secret","metadata":{"name":"cut o
{"auths":{"registry.example":{"auth":"‹userpass›"}}}
{"auths": {"registry.example": {"username": "bob", "password": "‹plain›"}}}
".dockerconfigjson": "‹b64docker›"
{"env":[{"name":"DB_PASS","value":"‹plain›"},{"name":"HOST","value":"db"}]}
kubectl.kubernetes.io/last-applied-configuration: |\n      {"apiVersion":"v1","data":{"user":"‹b64word›"},"kind":"Secret","metadata":{"name":"x"}}
"kubectl.kubernetes.io/last-applied-configuration": "{\"apiVersion\":\"v1\",\"data\":{\"user\":\"‹b64word›\"},\"kind\":\"Secret\"}\n"
{"headers":{"authorization":["Basic ‹userpass›"]}}
# YAML of Kubernetes
apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\ndata:\n  user: ‹b64word›\n  long: |\n    ‹b64word›\ntype: Opaque
kind: Secret\nstringData:\n  user: ‹phrase›\n
data:\n  user: ‹b64word›\nkind: Secret\n
apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  data:\n    user: ‹b64word›\n- kind: ConfigMap\n  data:\n    shown: x
apiVersion: v1\nitems:\n- apiVersion: v1\n  data:\n    user: ‹b64word›\n  kind: Secret\n  metadata:\n    name: x\nkind: List
kind: Secret\ndata: {user: ‹b64word›}
kind: SecretList\nitems:\n- data:\n    user: ‹b64word›\n  metadata:\n    name: x
extra: |\n  kind: Secret\n  stringData:\n    user: ‹phrase›\nshown: x
+kind: Secret\n+stringData:\n+  user: ‹plain›
map[apiVersion:v1 data:map[user:‹b64word›] kind:Secret metadata:map[name:x]]
env:\n- name: DB_PASS\n  value: ‹plain›
env:\n- name: ENCRYPTION_KEY\n  value: "‹phrase›"
env:\n- value: ‹plain›\n  name: DB_PASS
- {name: AWS_SECRET_ACCESS_KEY, value: ‹word›}
- {name: APP_CONFIG, value: 'password: "‹phrase›"'}
{Name:DB_PASS,Value:‹plain›,ValueFrom:nil,}
users:\n- name: bob\n  user:\n    client-key-data: ‹b64pem›
users:\n- name: bob\n  user:\n    token: ‹plain›
users:\n- name: bob\n  user:\n    client-certificate-data: ‹b64›
users:\n- name: bob\n  user:\n    password: ‹phrase›\n    username: bob
.dockerconfigjson: ‹b64docker›
.dockercfg: ‹b64docker›
webhookSecret: "‹phrase›"
# Logs and messages
2026-11-29T20:00:00Z DEBUG connect user=bob password=‹plain› host=db
time="2026-11-29T20:00:00Z" level=info msg="login" token="‹plain›"
I1129 20:00:00.123456 1 main.go:12] flags: --password="‹phrase›" --v=2
&{User:bob Password:‹plain› Host:db}
{User:bob Password:‹plain›}
map[password:‹plain› user:bob]
{Username:"bob", Password:"‹phrase›"}
Config(user='bob', password='‹phrase›', host='db')
error: password authentication failed for postgres://bob:‹plain›@db/shop
[sudo] password for bob: ‹word›
Your password is: ‹word›
The initial admin password is '‹plain›'
Admin password: ‹plain›
generated password ‹word›: password=‹word›
login failed: {password: ‹plain›, user: bob}
token ‹jwt› rejected
using key ‹b64› for the signature
found ‹b62› in the request
blob ‹b64text› end
ConfigMap data: ‹b64docker›
‹github› is not valid
(‹gitlab›), and then
npm ERR! ‹npm›
‹pypi›
‹stripe›
‹sendgrid›
‹slack›
‹vault›
‹huggingface›
‹openai›
‹anthropic›
‹docker_pat›
‹databricks›
‹openshift›
‹age›
‹twilio›
‹grafana›
‹github_fine›
release: ‹gzip›
hash ‹crypt›
DATABASE_URL=mysql2://bob:‹plain›@db/shop
HOME=/root\nDB_PASSWORD=‹phrase›\nPATH=/bin:/usr/bin
PATH=/bin\nADMIN_PASSWORD=my -pass ‹phrase›\nTERM=xterm
SPRING_DATASOURCE_URL=jdbc:mysql://db/x?user=a&password=‹plain›
"SHARED_SECRET" : "‹phrase›"
otp=‹number›
pin_password=‹number›
password=‹special›
password: ‹special›
"password": "‹special›"
token='‹special›'
x-hub-signature-key: ‹low24›
wireguard_private_key: ‹b64›
"inline_string": "‹jwt›"
sessionid=‹low24›
"hmac_secret": {"inline_string": "‹plain›"}
"private_key": {"inline_bytes": "‹b64word›"}
WARN [auth] Password="‹phrase›" rejected
db_password="‹phrase›" # comment
password\t=\t‹plain›
"token" : "‹number›"
LDAP_BIND_PW=‹plain›
JWT_SIGNING_KEY=‹hex64›
SONAR_TOKEN=‹hex40›
‹kubeadm›
# What a reader tried in order to make it leak
{"password":"‹word›","password":""}
PASSWORD=‹word›,next
password=(‹word›)
password='‹word›
--password=‹word› --x
pass: ‹word›
creds=bob:‹word›
"password":\n  "‹word›"
password:\n  ‹word›
password : ‹word›
setPassword("‹word›")
--header "X-Token: ‹word›"
X-Amz-Security-Token=‹word›
env: DB_PASS -> ‹word›
DB_PASS is ‹word›
{"key":"password","value":"‹word›"}
{"Key":"DB_PASSWORD","Value":"‹word›"}
key=password value=‹word›
[('password', '‹word›')]
curl -uadmin:‹word› http://x
http://x?pwd=‹word›
kind: Secret\napiVersion: v1\ndata:\n# comment\n  user: ‹b64word›\n
kind: Secret\ndata:\n    user: >-\n      ‹b64word›\n    b: ‹b64word›\nimmutable: true
- kind: Secret\n  stringData:\n    a: "multi\n      ‹word›"\n    c: d
items:\n  - apiVersion: v1\n    kind: Secret\n    data:\n      a: ‹b64word›\n
"kind": "Secret",\n"data": {\n  "user": "‹b64word›"\n}
2026-11-29T20:00:00.123456789Z kind: Secret\n2026-11-29T20:00:00.123456790Z data:\n2026-11-29T20:00:00.123456791Z   user: ‹b64word›
export AWS_SECRET_ACCESS_KEY ‹word›
ENV DB_PASSWORD ‹word›
ARG TOKEN=‹word›
authorization=Bearer%20‹low24›
auth: {user: bob, password: ‹word›}
https://‹word›:x-oauth-basic@github.example
https://x:‹word›@[::1]:80
sftp://bob:‹word›@h
Data Source=x;Password=‹phrase›;
ssh-keygen -t ed25519 -N ‹word› -f key
chpasswd <<< bob:‹word›
echo bob:‹word› | chpasswd
helm install --set=a.b=1,auth.password=‹word›,x=2
istioctl install --set values.global.token=‹word›
password: !!str ‹word›
password: &x ‹word›
password: "a\n  ‹word›"
password: 'it''s ‹phrase›'
PASSWORD1=‹word›
MY_SECRET_VALUE=‹word›
passwordConfirm: ‹word›
"psw":"‹word›"
secrets: [‹word›]
"tokens":["‹word›","b"]
passwords:\n- ‹word›\n- b
$env:PASSWORD="‹word›"
password = r"‹word›"
password\u003d‹word›
password%3D‹word›
password&#61;‹word›
{"env":{"DB_PASS":"‹plain›"}}
<input type="password" value="‹word›">
net user bob ‹word›
rootpw --plaintext ‹word›
"""
"""A line each, ``\\n`` stands for the end of a line. Lines that begin with ``#`` are headings."""

WHOLE = (
    "-----{begin} {kind}-----\n‹pem›\n-----{end} {kind}-----",
    "key: |\n  -----{begin} {kind}-----\n  ‹pem›\n  -----{end} {kind}-----\nshown: x",
    'key: "-----{begin} {kind}-----\\n‹pem›\\n-----{end} {kind}-----\\n"',
    "-----{begin} {kind}-----\n‹pem›",
    "‹b64›\n‹b64›\n-----{end} {kind}-----\nshown",
)
"""Private keys: as they are, in YAML, in JSON, and cut off at either end."""

STAYS = r"""
# Names that end in another word, and values that are no secret
secretName: bookinfo-tls
credentialName: bookinfo-credential
passwordRef: db-password
secretKeyRef: {key: password, name: db}
tokenReview: authenticated
automountServiceAccountToken: true
serviceAccountToken: {audience: istio-ca, expirationSeconds: 43200, path: istio-token}
imagePullSecrets:\n- name: regcred
token_bucket: {max_tokens: 100, tokens_per_fill: 10, fill_interval: 1s}
max_tokens: 4096
tokens: 12
"max_tokens": 100, "fill_interval": "1s"
TOKEN_AUDIENCES=istio-ca
PASSWORD_FILE=/run/secrets/db
token_endpoint: https://login.example/token
"tokenPath": "/var/run/secrets/tokens/istio-token"
--token-file=/etc/kubernetes/tokens.csv
--service-account-key-file=/var/lib/minikube/certs/sa.pub
--service-account-signing-key-file=/var/lib/minikube/certs/sa.key
--tls-private-key-file=/var/lib/minikube/certs/apiserver.key
--kubelet-client-key=/var/lib/minikube/certs/apiserver-kubelet-client.key
--etcd-keyfile=/var/lib/minikube/certs/apiserver-etcd-client.key
client-key: /home/me/.minikube/profiles/lab/client.key
client-certificate: /home/me/.minikube/profiles/lab/client.crt
password: ""
password: null
password: ${DB_PASSWORD}
password: {{ db_password }}
password: $(DB_PASSWORD)
token: <none>
DB_PASSWORD=$DB_PASSWORD
password: '***'
key: password
topologyKey: kubernetes.io/hostname
public_key: rsa
partition_key=orders
"key": "app.kubernetes.io/name"
PWD=/home/me/lab
OLDPWD=/root
author: Jane Doe
authority: reviews.tutorial.svc.cluster.local:9080
authentication: mutual TLS
authorization_policy: allow-all
passed=12 failed=0 skipped=3
passthrough: true
bypass=10.0.0.0/8
compass: north
tokenizer: simple
keyword: secret
keyspace=orders
monkey: see
cookie: {name: session, ttl: 0s}
httpCookie:\n  name: user
security: strict
session_affinity: None
sessionAffinity: None
signature verified
# Sentences
MountVolume.SetUp failed for volume "certs" : secret "istio-ca" not found
Secret tutorial/bookinfo-tls: not ready
invalid bearer token: expired
error: unable to verify the token: unexpected end of input
Jwt is missing; provide a token in the header Authorization
the password is required
use --token to set it
  --token string   Bearer token for authentication
  --password string   Password for basic authentication
Basic authentication, bearer authentication by JWT
Authorization header is missing
authorization failed: access denied
secrets "regcred" is forbidden: User "system:serviceaccount:x:y" cannot get resource
Pulling image "docker.io/istio/proxyv2:1.28.0"
FailedToRetrieveImagePullSecret: Unable to retrieve some image pull secrets (regcred)
kubectl create token default
Created Secret, ConfigMap and Service
no token was given
token review failed
cookie-based affinity is on
This key is used for signing
# Digests, checksums and ids
image: docker.io/istio/proxyv2@sha256:9f2b8c1d0e3a4f5b6c7d8e9f0a1b2c3d4e5f60718293a4b5c6d7e8f901a2b3c4
sha256: 0f3c2d1e4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0
5d41402abc4b2a76b9719d911017c592  istio-1.28.0.tar.gz
commit 3b18e512dba79e4c8300dd08aeb37f8e728b8dad
uid: 6f1c2a34-9b7e-4c58-8d21-3e4f5a6b7c8d
x-request-id: 6f1c2a34-9b7e-4c58-8d21-3e4f5a6b7c8d
x-b3-traceid: 463ac35c9f6413ad48485a3953bb6124
containerID: containerd://2f9d1c3b5a7e8f60718293a4b5c6d7e8f901a2b3c40f3c2d1e4b5a69788796a5
"integrity": "sha512-‹b64›‹b64›=="
k8s.io/api v0.35.4 h1:‹b64›aB1=
256 SHA256:‹url› root@lab1 (ED25519)
ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI‹url› me@laptop
ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ‹b64›‹b64› me@laptop
--discovery-token-ca-cert-hash sha256:9f2b8c1d0e3a4f5b6c7d8e9f0a1b2c3d4e5f60718293a4b5c6d7e8f901a2b3c4
resourceVersion: "184467"
etag: W/"5d41402abc4b2a76"
pod-template-hash: 7d8f9c6b5
spec-hash=54bc6f9d8
serial: 4f:2a:99:01:cd:ef
nodeInfo: {bootID: 6f1c2a34-9b7e-4c58-8d21-3e4f5a6b7c8d, machineID: 463ac35c9f6413ad48485a3953bb6124}
v0.0.0-20261129202833-3b18e512dba7
build 20261129202833
# Names
productpage-v1-7d8f9c6b5-x2k4l
istio-ingressgateway-6bd9cfd8c4-8zqwn   1/1   Running   0   5m
replicaset.apps/reviews-v3-79f8d6b5c8
kube-api-access-x7b2k
default-token-mount
istio-ca-root-cert
outbound|9080||reviews.tutorial.svc.cluster.local
inbound|9080||
system:serviceaccount:tutorial:bookinfo-reviews
spiffe://cluster.local/ns/tutorial/sa/bookinfo-productpage
envoy.filters.network.http_connection_manager
type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
k8s.io/client-go@v0.35.4/tools/cache/reflector.go:290
sigs.k8s.io/controller-runtime/pkg/internal/controller.(*Controller[...]).Start
TestRedactionOfSecretsInManyFormsWith2Containers
ValidatingAdmissionPolicyBinding
FailedCreatePodSandBox
RequiredDuringSchedulingIgnoredDuringExecution
PILOT_ENABLE_CROSS_CLUSTER_WORKLOAD_ENTRY=true
ISTIO_META_APP_CONTAINERS=productpage
io.istio.WorkloadSelector.MatchExpressions
/home/me/.cache/meshlab/istio-1.28.0/samples/bookinfo/platform/kube/bookinfo.yaml
/var/lib/kubelet/pods/6f1c2a34-9b7e-4c58-8d21-3e4f5a6b7c8d/volumes/kubernetes.io~projected/istio-token
_ZN5Envoy6Server12InstanceImpl10initializeERKNS_7OptionsE
# URLs
https://istio.io/latest/docs/setup/getting-started/#download
http://10.96.0.1:15014/metrics?format=text
http://10.0.0.1:80/productpage?a=b@c
https://github.com/istio/istio/releases/download/1.28.0/istio-1.28.0-linux-amd64.tar.gz
ssh://git@git.example/x.git
git@git.example:x/y.git
qemu+ssh://root@lab1/system
http://prometheus:9090/api/v1/query?query=sum(rate(istio_requests_total{code=~"5.."}[5m]))
http://grafana:3000/d/LJ_uJAvmk/istio-service-dashboard?orgId=1&refresh=10s
ssh -L 8080:10.0.0.1:80 root@lab1
mailto:me@example.org
https://kubernetes.default.svc:443/api/v1/namespaces/tutorial/pods?limit=500&resourceVersion=0
tcp://10.0.0.1:2376
http://[::1]:15000/config_dump
# Times and logs
2026-11-29T20:28:33.123456789Z
I1129 20:28:33.123456       1 main.go:42] "Starting" version="v1.34.4"
[2026-11-29T20:28:33.123Z] "GET /productpage HTTP/1.1" 200 - via_upstream - "-" 0 4183 25 24 "10.0.0.1" "curl/8.5.0" "6f1c2a34-9b7e-4c58-8d21-3e4f5a6b7c8d" "lab.example" "10.244.0.9:9080" outbound|9080||productpage.tutorial.svc.cluster.local
2026-11-29T20:28:33.123Z info xdsproxy connected to upstream XDS server: istiod.istio-system.svc:15012
Normal  Scheduled  5m  default-scheduler  Successfully assigned tutorial/reviews-v1-7d8f9c6b5-x2k4l to lab
warning envoy config StreamAggregatedResources gRPC config stream to xds-grpc closed: 14, connection error
level=info ts=2026-11-29T20:28:33.123Z caller=main.go:1 msg="Server is ready" duration=1.2s
ERROR: failed to list *v1.Secret: secrets is forbidden
cluster.outbound|443||kubernetes.default.svc.cluster.local;.upstream_rq_total: 12
[2/9] Starting "lab" primary control-plane node
TLS: secret data not per API spec, no data in secret tutorial/x
CPU: 250m, memory: 512Mi, ephemeral-storage: 1Gi
# Envoy and Istio
"common_tls_context": {"alpn_protocols": ["h2", "http/1.1"], "tls_certificate_sds_secret_configs": [{"name": "default"}]}
"secret": {"@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret", "name": "ROOTCA"}
"validation_context": {"trusted_ca": {"inline_bytes": "‹certificate›"}}
"certificate_chain": {"inline_bytes": "‹certificate›"}
"header_name": ":authority", "use_source_ip": true
"jwks_uri": "https://login.example/jwks", "forward": true
fromHeaders: [{name: x-jwt-assertion}]
x-envoy-peer-metadata: ‹metadata›
"version_info": "2026-11-29T20:28:33Z/14", "nonce": "6f1c2a34-9b7e-4c58-8d21-3e4f5a6b7c8d"
"cookie": {"name": "user", "ttl": "0s"}
"key": "istio", "value": "ingressgateway"
requestPrincipals: ["*"]
principals: ["cluster.local/ns/tutorial/sa/bookinfo-productpage"]
caBundle: ‹certificate›
certificate-authority-data: ‹certificate›
tls.crt: ‹certificate›
ca.crt: ‹certificate›
root-cert.pem: ‹certificate›
‹pemcertificate›
env:\n- name: LOG_LEVEL\n  value: debug
env:\n- name: PILOT_CERT_PROVIDER\n  value: istiod
{"name":"HOST","value":"db.tutorial"}
kind: ConfigMap\ndata:\n  mesh: |\n    trustDomain: cluster.local\n  user: bob
kind: Secret\nmetadata:\n  name: x\n  labels: {a: b}\ntype: Opaque
apiVersion: v1\nkind: List\nitems:\n- kind: ConfigMap\n  data:\n    user: bob
{"kind":"ConfigMap","data":{"user":"bob","mode":"x"}}
message: ‹b64harmless›
"continue": "‹b64harmless›"
kubectl get secret -n tutorial
kubectl -n tutorial describe pod productpage-v1-7d8f9c6b5-x2k4l
minikube start --profile lab --driver none --kubernetes-version v1.34.4
docker run -p 8080:80 --name web nginx
curl -sS -o /dev/null -w '%{http_code}' http://10.0.0.1/productpage
istioctl install --set profile=demo --set values.pilot.env.X=y
ansible-playbook -i inventory.yml site.yml -e istio_profile=demo
mkdir -p /tmp/x && cp -p a b
helm upgrade shop ./chart --set replicas=2
ssh -p 2222 root@lab1
grep -u pattern file
#### validateStartWithStopK8s
http://grafana:3000/d/1Bx‹b62›/board
to pass: formatting, types, unit tests
"no token": 403, "valid token": 200
"ERROR creating a registry secret": "it was there already"
headers: {authorization: "Bearer ${token_visitor}"}
["password", "user", "token"]
"docker.io/x/registry-creds": "registry.example/x/registry-creds"
"""

KNOWN = ('<input type="password" value="‹word›">', "net user bob ‹word›", "rootpw --plaintext ‹word›")
"""Forms that are not found."""
KNOWN_LOST = ("#### validateStartWithStopK8s", "http://grafana:3000/d/1Bx‹b62›/board")
"""Harmless text that is lost."""


def _certificate(chance: random.Random) -> str:
    # A certificate begins with a sequence in a sequence.
    return _b64(pem("CERTIFICATE", "MIIDazCCAlOgAwIBAgIU" + "\n".join(_random(BASE64, 64)(chance) for _ in range(5))))


HARMLESS_KINDS: dict[str, Callable[[random.Random], str]] = {
    **KINDS,
    "certificate": _certificate,
    "pemcertificate": lambda chance: pem("CERTIFICATE", "\n".join("MIID" + _random(BASE64, 60)(chance) for _ in range(5))),
    "metadata": lambda _chance: _b64("\n\x14\n\x0eAPP_CONTAINERS\x12\x02\x1a\x00\n\x1a\n\nCLUSTER_ID\x12\x0c\x1a\nKubernetes\n\x1c\n\x0cINSTANCE_IPS"),
    "b64harmless": lambda _chance: _b64('{"v":"meta.k8s.io/v1","rv":184467,"start":"reviews-v1-7d8f9c6b5-x2k4l"}'),
}  # fmt: skip

_MARK = re.compile(r"‹(\w+)›")


def _lines(corpus: str) -> list[str]:
    return [line for line in corpus.strip("\n").split("\n") if line and not line.startswith("# ")]


def _filled(
    line: str, kinds: dict[str, Callable[[random.Random], str]], chance: random.Random
) -> tuple[str, list[str]]:
    secrets: list[str] = []

    def fill(mark: re.Match[str]) -> str:
        secrets.append(kinds[mark[1]](chance))
        return secrets[-1]

    return _MARK.sub(fill, line), secrets


def found_cases() -> list[tuple[str, str, list[str]]]:
    """Return what must be found: a name, the text, and each of its secrets."""
    chance = random.Random(10)
    result = []
    for template in _lines(FOUND):
        text = template if _json_escapes(template) else template.replace("\\n", "\n").replace("\\t", "\t")
        result.append((template, *_filled(text, KINDS, chance)))
    for number, whole in enumerate(WHOLE):
        for kind in ("RSA " + "PRIVATE KEY", "PRIVATE" + " KEY", "OPENSSH " + "PRIVATE KEY"):
            text = whole.replace("{begin}", "BEGIN").replace("{end}", "END").replace("{kind}", kind)
            result.append((f"pem {number} {kind}", *_filled(text, KINDS, chance)))
    return result


def _json_escapes(template: str) -> bool:
    """Tell whether ``\\n`` in a line is part of a JSON string."""
    return template.startswith(('"config"', '"kubectl', "printf"))


def harmless_cases() -> list[tuple[str, str]]:
    """Return what must stay as it is: a name and the text."""
    chance = random.Random(11)
    return [
        (template, _filled(template.replace("\\n", "\n"), HARMLESS_KINDS, chance)[0])
        for template in _lines(STAYS)
    ]  # fmt: skip


def pieces(secret: str) -> list[str]:
    """Return the parts of a secret of which each by itself would tell something: its words, a key's lines."""
    return [piece for piece in secret.split() if len(piece) > 3]


def objects(chance: random.Random) -> list[tuple[str, Any, list[str]]]:
    """Return values with a structure: a name, the value, its secrets."""
    word, phrase, plain = _word(chance), _phrase(chance), _plain(chance)
    b64word = _b64(word)
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}, "data": {"user": b64word}}
    return [
        ("Secret", secret, [b64word]),
        ("Secret with stringData", {"kind": "Secret", "stringData": {"a": plain, "b": phrase}}, [plain, phrase]),
        ("Secret in a List", {"kind": "List", "items": [secret, {"kind": "ConfigMap"}]}, [b64word]),
        ("SecretList", {"kind": "SecretList", "items": [{"metadata": {"name": "x"}, "data": {"a": plain}}]}, [plain]),
        ("Secret as JSON in a text", {"stdout": json.dumps(secret, indent=4)}, [b64word]),
        ("Secret as JSON in JSON", {"stdout": json.dumps({"inner": json.dumps(secret)})}, [b64word]),
        ("last applied", {"kind": "Secret", "metadata": {"annotations": {"last": json.dumps(secret)}}}, [b64word]),
        ("environment", {"env": [{"name": "DB_PASS", "value": plain}, {"name": "ENCRYPTION_KEY", "value": word}]}, [plain, word]),
        ("environment as a map", {"environment": {"DB_PASS": plain, "SECRET_KEY": phrase}}, [plain, phrase]),
        ("configuration in a variable", {"env": [{"name": "APP_CONFIG", "value": f'password: "{phrase}"'}]}, [phrase]),
        ("arguments", {"args": ["--token", plain, "--password=" + word]}, [plain, word]),
        ("command", {"cmd": ["/usr/bin/sshpass", "-p", plain, "ssh", "lab1"]}, [plain]),
        ("basic auth of curl", {"cmd": ["curl", "-u", f"bob:{plain}", "http://x"]}, [plain]),
        ("kubeconfig", {"kind": "Config", "users": [{"name": "b", "user": {"token": plain, "client-key-data": b64word}}]}, [plain, b64word]),
        ("kubeconfig's client certificate", {"users": [{"user": {"client-certificate-data": b64word}}]}, [b64word]),
        ("kubeconfig's plugin", {"user": {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "x",
            "args": ["login", plain], "env": [{"name": "A", "value": word}]}}}, [plain, word]),
        ("kubeconfig's provider", {"auth-provider": {"config": {"refresh-token": plain, "id-token": word}}}, [plain, word]),
        ("docker", {"auths": {"r.example": {"auth": _b64(f"bob:{plain}")}}}, [_b64(f"bob:{plain}")]),
        ("Envoy's data source", {"private_key": {"inline_bytes": b64word}, "hmac_secret": {"inline_string": plain}}, [b64word, plain]),
        ("headers", {"headers": {"Authorization": f"Bearer {plain}", "Cookie": f"a={word}"}}, [plain, word]),
        ("headers as pairs", [{"name": "x-api-key", "value": plain}, {"key": "authorization", "value": word}], [plain, word]),
        ("an Ansible result", {"item": {"ansible_become_password": plain}, "stdout_lines": [f"password: {phrase}"]}, [plain, phrase]),
        ("helm's release", {"kind": "Secret", "type": "helm.sh/release.v1", "data": {"release": _b64("H4sI" + word)}}, [_b64("H4sI" + word)]),
    ]  # fmt: skip
