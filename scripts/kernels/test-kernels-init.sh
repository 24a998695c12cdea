#!/bin/busybox sh
# Process 1 of a virtual machine of test-kernels.sh: mounts this machine's files below an overlay in memory, runs
# /mnt/run.sh there, writes its status to /mnt/status, and powers off.
export PATH=/bin
busybox mount -t proc proc /proc
busybox mount -t sysfs sys /sys
busybox mount -t devtmpfs dev /dev
for module in $(busybox cat /modules/order); do
    busybox insmod "/modules/$module.ko" || echo "no module $module"
done
share=trans=virtio,version=9p2000.L,msize=524288
busybox mount -t 9p -o "$share,ro,cache=loose" host /host
busybox mount -t tmpfs -o size=1g memory /memory
busybox mkdir /memory/files /memory/work
busybox mount -t overlay -o lowerdir=/host,upperdir=/memory/files,workdir=/memory/work overlay /root
for folder in proc sys dev; do busybox mount -o move "/$folder" "/root/$folder"; done
busybox mount -t 9p -o "$share" results /root/mnt
# The repository keeps its path, which may be below one of the directories of the virtual machine.
repository=$(busybox cat /root/mnt/repository)
busybox mkdir -p /memory/repository /root/dev/shm
busybox mount -o bind "/root$repository" /memory/repository
for folder in tmp run dev/shm; do busybox mount -t tmpfs tmpfs "/root/$folder"; done
busybox mkdir -p "/root$repository"
busybox mount -o move /memory/repository "/root$repository"
busybox mount -t securityfs securityfs /root/sys/kernel/security
busybox mount -t cgroup2 cgroup2 /root/sys/fs/cgroup
busybox ip link set lo up
echo "booted $(busybox uname -r) in $(busybox cut -d ' ' -f 1 /root/proc/uptime) seconds, lockdown: $(busybox cat /root/sys/kernel/security/lockdown)"
busybox chroot /root /bin/bash /mnt/run.sh </root/dev/null
echo $? >/root/mnt/status
echo "$(busybox uname -r): status $(busybox cat /root/mnt/status) after $(busybox cut -d ' ' -f 1 /root/proc/uptime) seconds"
busybox sync
busybox poweroff -f
