module meshlab.istio/lab/config-reloader

go 1.25.0

tool github.com/prometheus-operator/prometheus-operator/cmd/prometheus-config-reloader

require github.com/prometheus-operator/prometheus-operator v0.89.0
