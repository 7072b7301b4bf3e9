# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The style sheet of report.html: light and dark, from a phone of 360 pixels to a wide screen and to paper."""

from __future__ import annotations

STYLE = """
:root{
  --page:#f3f5fa; --card:#fff; --line:#dde2ec; --soft:#eef1f8; --text:#1a2233; --muted:#5a6478;
  --link:#2450b8; --strong:#2f5fd0; --on-strong:#fff;
  --ok:#14703c; --ok-soft:#e0f4e8; --bad:#b3261e; --bad-soft:#fde9e7; --warn:#7a4d00; --warn-soft:#fff1d6;
  --s0:#3b6fd8; --s1:#c2570c; --s2:#0f8a6d; --s3:#9b4fc4; --s4:#b58900; --s5:#5b6b8c;
  --shadow:0 1px 2px #1a22330d,0 4px 16px #1a22330a;
}
@media (prefers-color-scheme:dark){:root{
  --page:#0e131d; --card:#171e2c; --line:#2b3447; --soft:#1f2839; --text:#e7ebf4; --muted:#9daac2;
  --link:#8fb4ff; --strong:#3f6fdc; --on-strong:#fff;
  --ok:#6fd99a; --ok-soft:#14352a; --bad:#ff9a8f; --bad-soft:#40201f; --warn:#f5c66b; --warn-soft:#3a2e16;
  --s0:#6f9dff; --s1:#f2955a; --s2:#45c7a4; --s3:#c98bea; --s4:#e2c04e; --s5:#9fb0d3;
  --shadow:none;
}}
*{box-sizing:border-box}
html{scroll-behavior:smooth;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--text);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
  "Noto Sans","DejaVu Sans",sans-serif;overflow-wrap:anywhere}
main{max-width:1120px;margin:0 auto;padding:0 20px 56px}
a{color:var(--link);text-underline-offset:3px}
a:focus-visible,summary:focus-visible,pre:focus-visible{
  outline:3px solid var(--s0);outline-offset:2px;border-radius:6px}
h1{font-size:32px;line-height:1.15;margin:0;letter-spacing:-.02em}
h2{font-size:21px;line-height:1.25;margin:40px 0 14px;letter-spacing:-.01em;scroll-margin-top:16px}
h3{font-size:16px;line-height:1.3;margin:0 0 12px}
p{margin:0 0 12px}
small,.muted{color:var(--muted)}
code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:13.5px}
header{padding:36px 0 8px}
.kicker{color:var(--muted);font-size:14px;margin:0 0 6px}
.title{display:flex;flex-wrap:wrap;gap:12px 16px;align-items:center;margin-bottom:18px}
.badge{display:inline-block;border-radius:99px;padding:2px 11px;font-size:13.5px;font-weight:600;white-space:nowrap;
  background:var(--soft);color:var(--muted)}
.badge.ok{background:var(--ok-soft);color:var(--ok)}
.badge.problem{background:var(--bad-soft);color:var(--bad)}
.badge.unknown,.badge.standin{background:var(--warn-soft);color:var(--warn)}
.note{border-radius:12px;padding:12px 16px;margin:0 0 14px;background:var(--soft)}
.note.problem{background:var(--bad-soft);color:var(--bad)}
.note.standin{background:var(--warn-soft);color:var(--warn)}
.note ul{margin:4px 0 0;padding-left:20px}
.note p,.note b{margin:0;display:block}
.buttons{display:flex;flex-wrap:wrap;gap:10px;margin:0 0 20px}
.button{display:inline-block;padding:9px 16px;border-radius:10px;border:1px solid var(--line);background:var(--card);
  color:var(--link);font-weight:600;text-decoration:none}
.button.main{background:var(--strong);border-color:var(--strong);color:var(--on-strong)}
.button:hover{text-decoration:underline}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:0 0 20px;padding:0}
.tile,.card{background:var(--card);border:1px solid var(--line);border-radius:14px;box-shadow:var(--shadow)}
.tile{padding:14px 16px}
.tile b{display:block;font-size:22px;line-height:1.3;letter-spacing:-.02em;white-space:nowrap;
  font-variant-numeric:tabular-nums}
.tile span{display:block;color:var(--muted);font-size:14px;line-height:1.35}
.tile.ok b{color:var(--ok)}
.tile.problem b{color:var(--bad)}
.tile.none b{color:var(--muted);font-weight:400}
.contents{display:flex;flex-wrap:wrap;gap:6px 18px;font-size:15px;margin:0;padding:0;list-style:none}
.card{padding:18px 20px;min-width:0;margin:0 0 14px}
.two{display:grid;grid-template-columns:1fr 1fr;gap:14px;align-items:stretch}
.two>.card{margin:0;display:flex;flex-direction:column}
.two>.card>.empty{flex:1;display:grid;place-content:center}
.two>.card.alone{grid-column:1/-1}
.two+.card{margin-top:14px}
.flow{columns:2;column-gap:14px}
.flow>.card{break-inside:avoid}
.empty{color:var(--muted);border:1.5px dashed var(--line);border-radius:10px;padding:20px;text-align:center;margin:0}
dl{display:grid;grid-template-columns:minmax(110px,max-content) 1fr;gap:7px 16px;margin:0}
dt{color:var(--muted)}
dd{margin:0;min-width:0}
dd small{display:block}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:15px}
th,td{text-align:left;padding:8px 14px 8px 0;border-top:1px solid var(--line);vertical-align:top}
thead th{border-top:0;color:var(--muted);font-weight:600;font-size:13.5px;padding-top:0;white-space:nowrap}
th:last-child,td:last-child{padding-right:0}
td.n,th.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
td .badge{white-space:normal;overflow-wrap:anywhere;border-radius:12px}
td small{display:block;font-size:13px;line-height:1.4}
tbody th{font-weight:500}
.good{color:var(--ok);font-weight:600;white-space:nowrap}
.wrong{color:var(--bad);font-weight:600;white-space:nowrap}
pre{margin:6px 0 0;padding:11px 14px;border-radius:10px;background:var(--soft);overflow-x:auto;white-space:pre}
pre.command{white-space:pre-wrap;user-select:all;-webkit-user-select:all;cursor:copy}
ol.steps{list-style:none;margin:0;padding:0;display:grid;gap:14px}
ol.steps>li{min-width:0}
details{margin-top:14px}
summary{cursor:pointer;color:var(--link);font-weight:600;font-size:15px}
details>:not(summary){margin-top:10px}
.scenario h3{margin:0 0 8px;display:flex;flex-wrap:wrap;gap:6px 10px;align-items:center}
figure{margin:14px 0 0}
figcaption{color:var(--muted);font-size:14px;margin-bottom:6px}
ul.plain{margin:0;padding-left:18px}
footer{margin-top:44px;color:var(--muted);font-size:14px}
svg{display:block}
svg text{fill:var(--text);font:12.5px system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif}
svg .muted{fill:var(--muted)}
svg .strong{font-weight:600}
svg .halo{paint-order:stroke;stroke:var(--card);stroke-width:4px;stroke-linejoin:round}
.chart{overflow:visible}
.track{fill:var(--soft)}
.s0{fill:var(--s0)}.s1{fill:var(--s1)}.s2{fill:var(--s2)}.s3{fill:var(--s3)}.s4{fill:var(--s4)}.s5{fill:var(--s5)}
.axis{stroke:var(--muted)}
.grid{stroke:var(--line)}
.marker{stroke:var(--s1);stroke-width:1.5;stroke-dasharray:4 3}
.whisker{stroke:var(--text);stroke-width:2}
.curve{fill:none;stroke:var(--s0);stroke-width:2.5;stroke-linejoin:round}
.graph{width:100%;margin:0 auto}
.node rect{fill:var(--soft);stroke:var(--s0);stroke-width:1.5}
.node.root rect{fill:var(--strong);stroke:var(--strong)}
.node.root text,.node.root .muted{fill:var(--on-strong)}
.node text{font-weight:600}
.node .muted{font-weight:400}
.edge .line{fill:none;stroke:var(--s5)}
.edge polygon{fill:var(--s5)}
.edge.bad .line{stroke:var(--bad)}
.edge.bad polygon{fill:var(--bad)}
.edge.idle .line{stroke-dasharray:3 4}
.label rect{fill:var(--card);stroke:var(--line)}
.label text{font-size:11.5px;font-weight:600}
.label.bad text{fill:var(--bad)}
.lock{fill:none;stroke:var(--ok);stroke-width:1.5;stroke-linejoin:round}
.lock.open{stroke:var(--bad)}
@supports selector(:has(*)){
  .host.of-many:not(:target):not(:has(:target)){display:none}
  body:has(.host.of-many:target,.host.of-many :target) .index{display:none}
}
@media (max-width:760px){.two{grid-template-columns:1fr}.flow{columns:1}}
@media (max-width:520px){
  main{padding:0 14px 40px}
  header{padding-top:24px}
  h1{font-size:22px}
  h2{margin-top:32px}
  .card{padding:14px}
  .tiles{grid-template-columns:1fr 1fr;gap:10px}
  .tile{padding:11px 13px}
  .tile b{font-size:20px}
  dl{grid-template-columns:minmax(90px,max-content) 1fr;gap:6px 12px}
  dl.long{grid-template-columns:1fr;gap:0}
  dl.long dt{font-size:14px}
  dl.long dd+dt{margin-top:9px}
  .scenario :is(thead th,.good,.wrong){white-space:normal}
  .index :is(td,th):nth-child(3){display:none}
  .index :is(td,th):nth-child(2){padding-right:0}
}
@media print{
  .host.of-many{display:block!important}
  .index{display:block!important}
  .card{box-shadow:none;break-inside:avoid}
}
"""
