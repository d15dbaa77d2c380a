#!/bin/bash
# The first process of a real node, in mount and process namespaces of its own: when it is killed, all that runs
# on the node ends, and every mount with it.
#   node-init.sh <folder> <bin folder> <node name> <node ip>
set -u
folder=$1 bin=$2 name=$3 ip=$4

# Where containerd, CNI and kubelet write whatever they are told: empty here, untouched on the machine.
# (-n: or mount itself would note this down in the machine's /run.)
for place in /run /var/lib /var/log; do mount -n -t tmpfs tmpfs "$place"; done
mkdir -p /run/netns /run/lock

# kubelet wants these settings, which are the whole machine's. It looks at them first, so let it see what it wants.
wanted="vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1
  kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000"
for setting in $wanted; do
  seen=/run/sysctl.${setting//\//.}
  seen=${seen%=*}
  echo "${setting#*=}" >"$seen"
  mount --bind "$seen" "/proc/sys/${setting%=*}"
done
mount --make-rshared /

containerd --config "$folder/containerd.toml" >>"$folder/../log/containerd-$name.log" 2>&1 &
while [ ! -e "$folder/go" ]; do sleep 0.05; done
"$bin/kube-proxy" --config="$folder/kube-proxy.yaml" >>"$folder/../log/kube-proxy-$name.log" 2>&1 &
"$bin/kubelet" --config="$folder/kubelet.yaml" --kubeconfig="$folder/../$name.kubeconfig" \
  --root-dir="$folder/kubelet" --cert-dir="$folder/certificates" --hostname-override="$name" \
  --node-ip="$ip" --v=2 >>"$folder/../log/kubelet-$name.log" 2>&1 &
if [ -e "$folder/Corefile" ]; then
  "$bin/coredns" -conf "$folder/Corefile" >>"$folder/../log/coredns-$name.log" 2>&1 &
fi
# Reaps what its pods leave behind.
while :; do wait; sleep 1; done
