# Copyright: (c) 2026, meshlab contributors
# Copyright: (c) 2019 Zachary Rice
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later AND MIT
"""The shapes of the tokens of known services. Made by requirements/redact_rules.py; do not edit.

Converted from the rules of gitleaks v8.30.1 (Go module github.com/zricethezav/gitleaks/v8, config/gitleaks.toml).

MIT License

Copyright (c) 2019 Zachary Rice

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the 'Software'), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED 'AS IS', WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""

from __future__ import annotations

RULES: tuple[tuple[tuple[str, ...], bool, str], ...] = (
    # Texts of which one must occur, whether they are looked for in small letters, and the shape.
    # 1password-secret-key
    (
        ("A3-",),
        False,
        "\\bA3-[A-Z0-9]{6}-(?:(?:[A-Z0-9]{11})|(?:[A-Z0-9]{6}-[A-Z0-9]{5}))-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}\\b",
    ),
    # 1password-service-account-token
    (("ops_",), False, "ops_eyJ[a-zA-Z0-9+/]{250,}={0,3}"),
    # adobe-client-secret
    (("p8e-",), True, "\\b(p8e-(?i:[a-z0-9]{32}))(?![A-Za-z0-9])"),
    # age-secret-key
    (("AGE-SECRET-KEY-1",), False, "AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}"),
    # airtable-personnal-access-token
    (("airtable",), True, "\\b(pat[A-Za-z0-9]{14}\\.[a-f0-9]{64})\\b"),
    # alibaba-access-key-id
    (("ltai",), True, "\\b(LTAI(?i:[a-z0-9]{20}))(?![A-Za-z0-9])"),
    # anthropic-admin-api-key
    (("sk-ant-admin01",), False, "\\b(sk-ant-admin01-[a-zA-Z0-9_\\-]{93}AA)(?![A-Za-z0-9])"),
    # anthropic-api-key
    (("sk-ant-api03",), False, "\\b(sk-ant-api03-[a-zA-Z0-9_\\-]{93}AA)(?![A-Za-z0-9])"),
    # artifactory-api-key
    (("AKCp",), False, "\\bAKCp[A-Za-z0-9]{69}\\b"),
    # artifactory-reference-token
    (("cmVmd",), False, "\\bcmVmd[A-Za-z0-9]{59}\\b"),
    # authress-service-client-access-key
    (
        ("sc_", "ext_", "scauth_", "authress_"),
        True,
        "\\b((?:sc|ext|scauth|authress)_(?i:[a-z0-9]{5,30}\\.[a-z0-9]{4,6}\\.(?-i:acc)[_-][a"
        "-z0-9-]{10,32}\\.[a-z0-9+/_=-]{30,120}))(?![A-Za-z0-9])",
    ),
    # aws-access-token
    (("A3T", "AKIA", "ASIA", "ABIA", "ACCA"), False, "\\b((?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16})\\b"),
    # aws-amazon-bedrock-api-key-long-lived
    (("ABSK",), False, "\\b(ABSK[A-Za-z0-9+/]{109,269}={0,2})(?![A-Za-z0-9])"),
    # azure-ad-client-secret
    (("Q~",), False, "(?:^|[\\\\'\"`\\s>=:(,)])([a-zA-Z0-9_~.]{3}\\dQ~[a-zA-Z0-9_~.-]{31,34})(?:$|[\\\\'\"`\\s<),])"),
    # clickhouse-cloud-api-secret-key
    (("4b1d",), False, "\\b(4b1d[A-Za-z0-9]{38})\\b"),
    # clojars-api-token
    (("clojars_",), True, "(?i)CLOJARS_[a-z0-9]{60}"),
    # cloudflare-origin-ca-key
    (("cloudflare", "v1.0-"), True, "\\b(v1\\.0-[a-f0-9]{24}-[a-f0-9]{146})(?![A-Za-z0-9])"),
    # databricks-api-token
    (("dapi",), False, "\\b(dapi[a-f0-9]{32}(?:-\\d)?)(?![A-Za-z0-9])"),
    # digitalocean-access-token
    (("doo_v1_",), False, "\\b(doo_v1_[a-f0-9]{64})(?![A-Za-z0-9])"),
    # digitalocean-pat
    (("dop_v1_",), False, "\\b(dop_v1_[a-f0-9]{64})(?![A-Za-z0-9])"),
    # digitalocean-refresh-token
    (("dor_v1_",), True, "(?i)\\b(dor_v1_[a-f0-9]{64})(?![A-Za-z0-9])"),
    # doppler-api-token
    (("dp.pt.",), True, "dp\\.pt\\.(?i:[a-z0-9]{43})"),
    # duffel-api-token
    (("duffel_",), True, "duffel_(?:test|live)_(?i:[a-z0-9_\\-=]{43})"),
    # dynatrace-api-token
    (("dt0c01.",), True, "dt0c01\\.(?i:[a-z0-9]{24}\\.[a-z0-9]{64})"),
    # easypost-api-token
    (("ezak",), True, "\\bEZAK(?i:[a-z0-9]{54}\\b)"),
    # easypost-test-api-token
    (("eztk",), True, "\\bEZTK(?i:[a-z0-9]{54}\\b)"),
    # facebook-page-access-token
    (("eaam", "eaac"), True, "\\b(EAA[MC](?i:[a-z0-9]{100,}))(?![A-Za-z0-9])"),
    # flutterwave-encryption-key
    (("flwseck_test",), True, "FLWSECK_TEST-(?i:[a-h0-9]{12})"),
    # flutterwave-secret-key
    (("flwseck_test",), True, "FLWSECK_TEST-(?i:[a-h0-9]{32}-X)"),
    # flyio-access-token
    (
        ("fo1_", "fm1", "fm2_"),
        False,
        "\\b((?:fo1_[\\w-]{43}|fm1[ar]_[a-zA-Z0-9+\\/]{100,}={0,3}|fm2_[a-zA-Z0-9+\\/]{100,}={0,3}))(?![A-Za-z0-9])",
    ),
    # frameio-api-token
    (("fio-u-",), True, "fio-u-(?i:[a-z0-9\\-_=]{64})"),
    # freemius-secret-key
    (("secret_key",), True, "(?i)[\"']secret_key[\"']\\s*=>\\s*[\"'](sk_[\\S]{29})[\"']"),
    # gcp-api-key
    (("AIza",), False, "\\b(AIza[\\w-]{35})(?![A-Za-z0-9])"),
    # github-app-token
    (("ghu_", "ghs_"), True, "(?:ghu|ghs)_[0-9a-zA-Z]{36}"),
    # github-fine-grained-pat
    (("github_pat_",), False, "github_pat_\\w{82}"),
    # github-oauth
    (("gho_",), False, "gho_[0-9a-zA-Z]{36}"),
    # github-pat
    (("ghp_",), False, "ghp_[0-9a-zA-Z]{36}"),
    # github-refresh-token
    (("ghr_",), False, "ghr_[0-9a-zA-Z]{36}"),
    # gitlab-cicd-job-token
    (("glcbt-",), False, "glcbt-[0-9a-zA-Z]{1,5}_[0-9a-zA-Z_-]{20}"),
    # gitlab-deploy-token
    (("gldt-",), False, "gldt-[0-9a-zA-Z_\\-]{20}"),
    # gitlab-feature-flag-client-token
    (("glffct-",), False, "glffct-[0-9a-zA-Z_\\-]{20}"),
    # gitlab-feed-token
    (("glft-",), False, "glft-[0-9a-zA-Z_\\-]{20}"),
    # gitlab-incoming-mail-token
    (("glimt-",), False, "glimt-[0-9a-zA-Z_\\-]{25}"),
    # gitlab-kubernetes-agent-token
    (("glagent-",), False, "glagent-[0-9a-zA-Z_\\-]{50}"),
    # gitlab-oauth-app-secret
    (("gloas-",), False, "gloas-[0-9a-zA-Z_\\-]{64}"),
    # gitlab-pat
    (("glpat-",), False, "glpat-[\\w-]{20}"),
    # gitlab-pat-routable
    (("glpat-",), False, "\\bglpat-[0-9a-zA-Z_-]{27,300}\\.[0-9a-z]{2}[0-9a-z]{7}\\b"),
    # gitlab-ptt
    (("glptt-",), False, "glptt-[0-9a-f]{40}"),
    # gitlab-rrt
    (("GR1348941",), False, "GR1348941[\\w-]{20}"),
    # gitlab-runner-authentication-token
    (("glrt-",), False, "glrt-[0-9a-zA-Z_\\-]{20}"),
    # gitlab-runner-authentication-token-routable
    (("glrt-",), False, "\\bglrt-t\\d_[0-9a-zA-Z_\\-]{27,300}\\.[0-9a-z]{2}[0-9a-z]{7}\\b"),
    # gitlab-scim-token
    (("glsoat-",), False, "glsoat-[0-9a-zA-Z_\\-]{20}"),
    # gitlab-session-cookie
    (("_gitlab_session=",), False, "_gitlab_session=[0-9a-z]{32}"),
    # grafana-api-key
    (("eyjrijoi",), True, "(?i)\\b(eyJrIjoi[A-Za-z0-9]{70,400}={0,3})(?![A-Za-z0-9])"),
    # grafana-cloud-api-token
    (("glc_",), True, "(?i)\\b(glc_[A-Za-z0-9+/]{32,400}={0,3})(?![A-Za-z0-9])"),
    # grafana-service-account-token
    (("glsa_",), True, "(?i)\\b(glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8})(?![A-Za-z0-9])"),
    # harness-api-key
    (("pat.", "sat."), True, "(?:pat|sat)\\.[a-zA-Z0-9_-]{22}\\.[a-zA-Z0-9]{24}\\.[a-zA-Z0-9]{20}"),
    # hashicorp-tf-api-token
    (("atlasv1",), True, "(?i)[a-z0-9]{14}\\.(?-i:atlasv1)\\.[a-z0-9\\-_=]{60,70}"),
    # heroku-api-key-v2
    (("HRKU-AA",), False, "\\b((HRKU-AA[0-9a-zA-Z_-]{58}))(?![A-Za-z0-9])"),
    # huggingface-access-token
    (("hf_",), True, "\\b(hf_(?i:[a-z]{34}))(?![A-Za-z0-9])"),
    # huggingface-organization-api-token
    (("api_org_",), True, "\\b(api_org_(?i:[a-z]{34}))(?![A-Za-z0-9])"),
    # infracost-api-token
    (("ico-",), False, "\\b(ico-[a-zA-Z0-9]{32})(?![A-Za-z0-9])"),
    # intra42-client-secret
    (("intra", "s-s4t2ud-", "s-s4t2af-"), True, "\\b(s-s4t2(?:ud|af)-(?i:[abcdef0123456789]{64}))(?![A-Za-z0-9])"),
    # linear-api-key
    (("lin_api_",), True, "lin_api_(?i:[a-z0-9]{40})"),
    # maxmind-license-key
    (("_mmk",), False, "\\b([A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk)(?![A-Za-z0-9])"),
    # microsoft-teams-webhook
    (
        ("webhook.office.com", "webhookb2", "IncomingWebhook"),
        False,
        "https://[a-z0-9]+\\.webhook\\.office\\.com/webhookb2/[a-z0-9]{8}-([a-z0-9]{4}-){3}["
        "a-z0-9]{12}@[a-z0-9]{8}-([a-z0-9]{4}-){3}[a-z0-9]{12}/IncomingWebhook/[a-z0-9]{3"
        "2}/[a-z0-9]{8}-([a-z0-9]{4}-){3}[a-z0-9]{12}",
    ),
    # notion-api-token
    (("ntn_",), False, "\\b(ntn_[0-9]{11}[A-Za-z0-9]{32}[A-Za-z0-9]{3})(?![A-Za-z0-9])"),
    # npm-access-token
    (("npm_",), True, "(?i)\\b(npm_[a-z0-9]{36})(?![A-Za-z0-9])"),
    # octopus-deploy-api-key
    (("API-",), False, "\\b(API-[A-Z0-9]{26})(?![A-Za-z0-9])"),
    # openai-api-key
    (
        ("T3BlbkFJ",),
        False,
        "\\b(sk-(?:proj|svcacct|admin)-(?:[A-Za-z0-9_-]{74}|[A-Za-z0-9_-]{58})T3BlbkFJ(?:["
        "A-Za-z0-9_-]{74}|[A-Za-z0-9_-]{58})\\b|sk-[a-zA-Z0-9]{20}T3BlbkFJ[a-zA-Z0-9]{20})"
        "(?![A-Za-z0-9])",
    ),
    # openshift-user-token
    (("sha256~",), False, "\\b(sha256~[\\w-]{43})(?:[^\\w-]|\\Z)"),
    # perplexity-api-key
    (("pplx-",), False, "\\b(pplx-[a-zA-Z0-9]{48})(?:[`'\"\\s;]|\\\\[nr]|$|\\b)"),
    # planetscale-api-token
    (("pscale_tkn_",), True, "\\b(pscale_tkn_(?i:[\\w=\\.-]{32,64}))(?![A-Za-z0-9])"),
    # planetscale-oauth-token
    (("pscale_oauth_",), False, "\\b(pscale_oauth_[\\w=\\.-]{32,64})(?![A-Za-z0-9])"),
    # planetscale-password
    (("pscale_pw_",), True, "(?i)\\b(pscale_pw_(?i:[\\w=\\.-]{32,64}))(?![A-Za-z0-9])"),
    # postman-api-token
    (("pmak-",), True, "\\b(PMAK-(?i:[a-f0-9]{24}\\-[a-f0-9]{34}))(?![A-Za-z0-9])"),
    # prefect-api-token
    (("pnu_",), False, "\\b(pnu_[a-zA-Z0-9]{36})(?![A-Za-z0-9])"),
    # pulumi-api-token
    (("pul-",), False, "\\b(pul-[a-f0-9]{40})(?![A-Za-z0-9])"),
    # pypi-upload-token
    (("pypi-AgEIcHlwaS5vcmc",), False, "pypi-AgEIcHlwaS5vcmc[\\w-]{50,1000}"),
    # readme-api-token
    (("rdme_",), False, "\\b(rdme_[a-z0-9]{70})(?![A-Za-z0-9])"),
    # rubygems-api-token
    (("rubygems_",), False, "\\b(rubygems_[a-f0-9]{48})(?![A-Za-z0-9])"),
    # scalingo-api-token
    (("tk-us-",), False, "\\b(tk-us-[\\w-]{48})(?![A-Za-z0-9])"),
    # sendgrid-api-token
    (("sg.",), True, "\\b(SG\\.(?i:[a-z0-9=_\\-\\.]{66}))(?![A-Za-z0-9])"),
    # sendinblue-api-token
    (("xkeysib-",), False, "\\b(xkeysib-[a-f0-9]{64}\\-(?i:[a-z0-9]{16}))(?![A-Za-z0-9])"),
    # sentry-org-token
    (
        ("sntrys_eyJpYXQiO",),
        False,
        "\\bsntrys_eyJpYXQiO[a-zA-Z0-9+/]{10,200}(?:LCJyZWdpb25fdXJs|InJlZ2lvbl91cmwi|cmVn"
        "aW9uX3VybCI6)[a-zA-Z0-9+/]{10,200}={0,2}_[a-zA-Z0-9+/]{43}(?:[^a-zA-Z0-9+/]|\\Z)",
    ),
    # sentry-user-token
    (("sntryu_",), False, "\\b(sntryu_[a-f0-9]{64})(?![A-Za-z0-9])"),
    # settlemint-application-access-token
    (("sm_aat",), False, "\\b(sm_aat_[a-zA-Z0-9]{16})(?![A-Za-z0-9])"),
    # settlemint-personal-access-token
    (("sm_pat",), False, "\\b(sm_pat_[a-zA-Z0-9]{16})(?![A-Za-z0-9])"),
    # settlemint-service-access-token
    (("sm_sat",), False, "\\b(sm_sat_[a-zA-Z0-9]{16})(?![A-Za-z0-9])"),
    # shippo-api-token
    (("shippo_",), False, "\\b(shippo_(?:live|test)_[a-fA-F0-9]{40})(?![A-Za-z0-9])"),
    # shopify-access-token
    (("shpat_",), False, "shpat_[a-fA-F0-9]{32}"),
    # shopify-custom-access-token
    (("shpca_",), False, "shpca_[a-fA-F0-9]{32}"),
    # shopify-private-app-access-token
    (("shppa_",), False, "shppa_[a-fA-F0-9]{32}"),
    # shopify-shared-secret
    (("shpss_",), False, "shpss_[a-fA-F0-9]{32}"),
    # sidekiq-sensitive-url
    (
        ("gems.contribsys.com", "enterprise.contribsys.com"),
        True,
        "(?i)\\bhttps?://([a-f0-9]{8}:[a-f0-9]{8})@(?:gems.contribsys.com|enterprise.contr"
        "ibsys.com)(?:[\\/|\\#|\\?|:]|$)",
    ),
    # slack-app-token
    (("xapp",), True, "(?i)xapp-\\d-[A-Z0-9]+-\\d+-[a-z0-9]+"),
    # slack-bot-token
    (("xoxb",), False, "xoxb-[0-9]{10,13}-[0-9]{10,13}[a-zA-Z0-9-]*"),
    # slack-config-access-token
    (("xoxe.xoxb-", "xoxe.xoxp-"), True, "(?i)xoxe.xox[bp]-\\d-[A-Z0-9]{163,166}"),
    # slack-config-refresh-token
    (("xoxe-",), True, "(?i)xoxe-\\d-[A-Z0-9]{146}"),
    # slack-legacy-bot-token
    (("xoxb",), False, "xoxb-[0-9]{8,14}-[a-zA-Z0-9]{18,26}"),
    # slack-legacy-token
    (("xoxo", "xoxs"), True, "xox[os]-\\d+-\\d+-\\d+-[a-fA-F\\d]+"),
    # slack-legacy-workspace-token
    (("xoxa", "xoxr"), True, "xox[ar]-(?:\\d-)?[0-9a-zA-Z]{8,48}"),
    # slack-user-token
    (("xoxp-", "xoxe-"), True, "xox[pe](?:-[0-9]{10,13}){3}-[a-zA-Z0-9-]{28,34}"),
    # slack-webhook-url
    (("hooks.slack.com",), False, "(?:https?://)?hooks.slack.com/(?:services|workflows|triggers)/[A-Za-z0-9+/]{43,56}"),
    # square-access-token
    (("sq0atp-", "EAAA"), False, "\\b((?:EAAA|sq0atp-)[\\w-]{22,60})(?![A-Za-z0-9])"),
    # stripe-access-token
    (
        ("sk_test", "sk_live", "sk_prod", "rk_test", "rk_live", "rk_prod"),
        True,
        "\\b((?:sk|rk)_(?:test|live|prod)_[a-zA-Z0-9]{10,99})(?![A-Za-z0-9])",
    ),
    # twilio-api-key
    (("SK",), False, "SK[0-9a-fA-F]{32}"),
    # vault-batch-token
    (("hvb.",), False, "\\b(hvb\\.[\\w-]{138,300})(?![A-Za-z0-9])"),
    # vault-service-token-hvs
    (("hvs.",), False, "\\b(hvs\\.[\\w-]{24,300})"),
    # discord-webhook
    (("/webhooks/",), False, "discord(?:app)?\\.com/api/webhooks/\\d+/([\\w-]{20,})"),
    # telegram-bot-token
    ((":AA",), False, "(?<!\\d)(\\d{8,10}:AA[\\w-]{33})(?![\\w-])"),
    # docker-pat
    (("dckr_",), False, "\\b(dckr_(?:pat|oat)_[\\w-]{20,})"),
    # aws-access-key-any
    (("AKIA", "ASIA"), False, "\\b((?:AKIA|ASIA)[A-Z0-9]{16})(?![A-Za-z0-9])"),
    # google-oauth
    (("ya29.",), False, "\\b(ya29\\.[\\w.-]{20,})"),
    # google-client-secret
    (("GOCSPX-",), False, "\\b(GOCSPX-[\\w-]{20,})"),
    # openai-any
    (("sk-",), False, "\\b(sk-(?:proj-|ant-|svcacct-|or-v1-)?[A-Za-z0-9_-]{32,})(?![\\w-])"),
    # terraform-cloud
    ((".atlasv1.",), False, "\\b([A-Za-z0-9]{14}\\.atlasv1\\.[\\w-]{40,})"),
    # age
    (("AGE-SECRET-KEY-1",), False, "(AGE-SECRET-KEY-1[A-Z0-9]{50,})"),
    # longer-forms
    (
        ("ghp_", "gho_", "ghs_", "ghu_", "ghr_", "npm_", "pypi-"),
        False,
        "\\b((?:gh[posur]_|npm_|pypi-)[A-Za-z0-9_-]{30,})",
    ),
)
