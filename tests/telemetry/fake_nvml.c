/* A libnvidia-ml.so.1 for tests: eight devices of a machine that does not exist, each with a trouble of its own.

   device 0  sound; its counter and its power agree (300 W)
   device 1  throttled: hardware thermal slowdown and software power cap, 1200 of 1980 MHz
   device 2  without ECC, remapped rows, NVLink, memory temperature
   device 3  lost from the moment on at which the file FAKE_NVML_LOST exists
   device 4  the temperature call never returns once the file FAKE_NVML_HANG exists
   device 5  energy and ECC counters start anew when the file FAKE_NVML_RESET exists
   device 6  every reading but clocks is denied; PCIe x8 of x16
   device 7  power says 300 W, the counter counts 150 W; a process of somebody else (FAKE_NVML_PID)

   Every function called is appended to the file FAKE_NVML_LOG. FAKE_NVML_INIT is what nvmlInitWithFlags returns.
   Built with -DOLD it lacks what drivers before 2017 lack. Setters exist, so that a call of one would be seen. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { OK = 0, INVALID = 2, NOT_SUPPORTED = 3, DENIED = 4, NOT_FOUND = 6, TOO_SMALL = 7, LOST = 15 };
typedef struct { int number; int mig; } Device;
static Device devices[8] = {{0, 0}, {1, 0}, {2, 0}, {3, 0}, {4, 0}, {5, 0}, {6, 0}, {7, 0}};
static Device instance = {0, 1};

static void called(const char *name) {
    const char *path = getenv("FAKE_NVML_LOG");
    FILE *log = path ? fopen(path, "a") : NULL;
    if (log) { fprintf(log, "%s\n", name); fclose(log); }
}
static int there(const char *variable) { const char *path = getenv(variable); return path && access(path, F_OK) == 0; }
static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec + t.tv_nsec / 1e9; }

#define ENTER(device) called(__func__); if ((device)->number == 3 && there("FAKE_NVML_LOST")) return LOST
#define GUARDED(device) ENTER(device); if ((device)->number == 6) return DENIED; if ((device)->mig) return NOT_SUPPORTED

#ifndef OLD
int nvmlInitWithFlags(unsigned flags) { called(__func__); const char *code = getenv("FAKE_NVML_INIT"); return code ? atoi(code) : OK; }
#endif
int nvmlShutdown(void) { called(__func__); return OK; }
const char *nvmlErrorString(int code) {
    switch (code) {
    case NOT_SUPPORTED: return "Not Supported";
    case DENIED: return "Insufficient Permissions";
    case LOST: return "GPU is lost";
    case NOT_FOUND: return "Not Found";
    default: return "Unknown Error";
    }
}
int nvmlSystemGetNVMLVersion(char *out, unsigned n) { called(__func__); snprintf(out, n, "12.999.1"); return OK; }
int nvmlSystemGetDriverVersion(char *out, unsigned n) { called(__func__); snprintf(out, n, "999.1"); return OK; }
int nvmlSystemGetProcessName(unsigned pid, char *out, unsigned n) { called(__func__); snprintf(out, n, "/usr/bin/train.py"); return OK; }
int nvmlDeviceGetCount_v2(unsigned *out) { called(__func__); *out = 8; return OK; }
int nvmlDeviceGetHandleByUUID(const char *uuid, Device **out) {
    called(__func__);
    if (!strcmp(uuid, "MIG-fake-0")) { *out = &instance; return OK; }
    if (strncmp(uuid, "GPU-fake-", 9) || uuid[9] < '0' || uuid[9] > '7') return NOT_FOUND;
    *out = &devices[uuid[9] - '0'];
    return OK;
}
int nvmlDeviceGetHandleByPciBusId_v2(const char *id, Device **out) {
    called(__func__);
    unsigned domain, bus;
    if (sscanf(id, "%x:%x", &domain, &bus) != 2 || domain || bus < 0x10 || bus > 0x17) return NOT_FOUND;
    *out = &devices[bus - 0x10];
    return OK;
}
int nvmlDeviceGetUUID(Device *d, char *out, unsigned n) { ENTER(d); snprintf(out, n, d->mig ? "MIG-fake-%d" : "GPU-fake-%d", d->number); return OK; }
int nvmlDeviceGetName(Device *d, char *out, unsigned n) { ENTER(d); snprintf(out, n, "Fake GPU"); return OK; }
typedef struct { char legacy[16]; unsigned domain, bus, device, id, subsystem; char id_text[32]; } Pci;
int nvmlDeviceGetPciInfo_v3(Device *d, Pci *out) {
    ENTER(d);
    memset(out, 0, sizeof *out);
    snprintf(out->id_text, sizeof out->id_text, "00000000:%02X:00.0", 0x10 + d->number);
    return OK;
}
int nvmlDeviceGetClockInfo(Device *d, int kind, unsigned *out) {
    ENTER(d);
    if (d->mig) return NOT_SUPPORTED;
    *out = kind == 2 ? 2600 : d->number == 1 ? 1200 : 1980;
    return OK;
}
int nvmlDeviceGetMaxClockInfo(Device *d, int kind, unsigned *out) { ENTER(d); if (d->mig) return NOT_SUPPORTED; *out = kind == 2 ? 2600 : 1980; return OK; }
int nvmlDeviceGetEnforcedPowerLimit(Device *d, unsigned *out) { GUARDED(d); *out = 700000; return OK; }
int nvmlDeviceGetPowerUsage(Device *d, unsigned *out) { GUARDED(d); *out = 300000; return OK; }
int nvmlDeviceGetTotalEnergyConsumption(Device *d, unsigned long long *out) {
    GUARDED(d);
    double watts = d->number == 7 ? 150 : 300, base = d->number == 5 && there("FAKE_NVML_RESET") ? 0 : 1e9;
    *out = (unsigned long long)(base + watts * now() * 1e3);
    return OK;
}
int nvmlDeviceGetTemperature(Device *d, int sensor, unsigned *out) {
    GUARDED(d);
    if (d->number == 4 && there("FAKE_NVML_HANG")) for (;;) sleep(1000);
    *out = 61;
    return OK;
}
typedef struct { unsigned id, scope; int64_t at, latency; unsigned type; int code; union { double d; unsigned u; unsigned long long ull; } value; } Field;
int nvmlDeviceGetFieldValues(Device *d, int count, Field *fields) {
    GUARDED(d);
    for (int i = 0; i < count; i++) {
        fields[i].code = OK;
        fields[i].type = 1;
        if (fields[i].id == 82 && d->number != 2) fields[i].value.u = 77;
        else if (fields[i].id == 186 && d->number != 2) fields[i].value.u = 300000; /* device 2 has the old power call only */
        else fields[i].code = NOT_SUPPORTED;
    }
    return OK;
}
#ifdef OLDER /* before driver 535 */
int nvmlDeviceGetCurrentClocksThrottleReasons(Device *d, unsigned long long *out) { GUARDED(d); *out = d->number == 1 ? 0x44 : 0; return OK; }
#else
int nvmlDeviceGetCurrentClocksEventReasons(Device *d, unsigned long long *out) { GUARDED(d); *out = d->number == 1 ? 0x44 : 0; return OK; }
#endif
int nvmlDeviceGetTotalEccErrors(Device *d, int kind, int counter, unsigned long long *out) {
    GUARDED(d);
    if (d->number == 2) return NOT_SUPPORTED;
    *out = d->number == 5 && !there("FAKE_NVML_RESET") ? 40 : counter * 2;
    return OK;
}
int nvmlDeviceGetRemappedRows(Device *d, unsigned *corrected, unsigned *uncorrected, unsigned *pending, unsigned *failed) {
    GUARDED(d);
    if (d->number == 2) return NOT_SUPPORTED;
    *corrected = 3; *uncorrected = 1; *pending = 0; *failed = 0;
    return OK;
}
int nvmlDeviceGetCurrPcieLinkWidth(Device *d, unsigned *out) { ENTER(d); if (d->mig) return NOT_SUPPORTED; *out = d->number == 6 ? 8 : 16; return OK; }
int nvmlDeviceGetMaxPcieLinkWidth(Device *d, unsigned *out) { ENTER(d); if (d->mig) return NOT_SUPPORTED; *out = 16; return OK; }
int nvmlDeviceGetCurrPcieLinkGeneration(Device *d, unsigned *out) { GUARDED(d); *out = 5; return OK; }
int nvmlDeviceGetMaxPcieLinkGeneration(Device *d, unsigned *out) { GUARDED(d); *out = 5; return OK; }
int nvmlDeviceGetNvLinkState(Device *d, unsigned link, unsigned *out) {
    GUARDED(d);
    if (d->number == 2) return NOT_SUPPORTED;
    if (link >= 18) return INVALID;
    *out = !(d->number == 1 && link == 17);
    return OK;
}
int nvmlDeviceGetNvLinkErrorCounter(Device *d, unsigned link, unsigned kind, unsigned long long *out) { GUARDED(d); *out = link == 0 && kind == 0 ? 5 : 0; return OK; }
typedef struct { unsigned pid; unsigned long long memory; unsigned gpu, compute; } Process;
int nvmlDeviceGetComputeRunningProcesses_v3(Device *d, unsigned *count, Process *out) {
    ENTER(d);
    if (d->number == 6) return DENIED;
    if (d->number != 7 || !getenv("FAKE_NVML_PID")) { *count = 0; return OK; }
    if (!out) { *count = 1; return TOO_SMALL; }
    *count = 1;
    out[0] = (Process){atoi(getenv("FAKE_NVML_PID")), 4ull << 30, 0, 0};
    return OK;
}
/* Setters, never to be called. */
int nvmlDeviceSetPersistenceMode(Device *d, int mode) { called(__func__); return OK; }
int nvmlDeviceSetPowerManagementLimit(Device *d, unsigned limit) { called(__func__); return OK; }
int nvmlDeviceSetGpuLockedClocks(Device *d, unsigned low, unsigned high) { called(__func__); return OK; }
int nvmlDeviceResetGpuLockedClocks(Device *d) { called(__func__); return OK; }
int nvmlDeviceClearEccErrorCounts(Device *d, int counter) { called(__func__); return OK; }
int nvmlDeviceResetNvLinkErrorCounters(Device *d, unsigned link) { called(__func__); return OK; }
int nvmlDeviceSetMigMode(Device *d, unsigned mode, int *status) { called(__func__); return OK; }
