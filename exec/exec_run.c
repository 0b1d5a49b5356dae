#include "exec/exec_run.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/sample.h"
#include "core/arena.h"
#include "exec/exec_there.h"

#define SPINS_BEFORE_YIELD 4096

/* The result of `producer`, brought to the accelerator of the layer that reads it. */
struct copy {
    uint32_t producer;
    size_t bytes;
    struct exec_tensor memory;
    const struct backend_memory *device; /* NULL: to `memory` */
    void *there;
};

struct item {
    uint32_t layer;
    size_t copy_begin, copy_end;
};

struct worker {
    struct exec_runner *runner;
    uint32_t accelerator;
    cpu_set_t cores;
    size_t item_count;
    struct item *items;
    pthread_t thread;
    struct err err;
};

struct exec_runner {
    struct exec_net *net;
    const struct problem *problem;
    size_t worker_count;
    struct worker *workers;
    size_t copy_count;
    struct copy *copies;
    atomic_uint *ended; /* [layer] */
    atomic_uint arrived, failed;
    atomic_bool go;
    double start_ns;
    struct exec_event *events;
    const volatile sig_atomic_t *stop;
};

/* --- cores ----------------------------------------------------------------------------------- */

static size_t usable_cores(size_t *cores)
{
    cpu_set_t set;
    size_t count = 0;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 0;
    for (size_t c = 0; c < CPU_SETSIZE; c++)
        if (CPU_ISSET(c, &set))
            cores[count++] = c;
    return count;
}

/* What runs an accelerator's layers; NULL: nothing of that name. */
static const struct backend *backend_of(const struct soc_accelerator *acc)
{
    const char *name = acc->dataflow->measured.backend;
    return name[0] == '\0' ? &backend_cpu : backend_find(name);
}

/* Its own, or that of the thread which drives a device. */
static size_t cores_of(const struct soc_accelerator *acc)
{
    return backend_of(acc)->on_host ? soc_pes(acc) : 1;
}

static enum err_code check_accelerator(const struct soc *soc, const struct soc_accelerator *acc,
                                       struct err *err)
{
    if (!acc->dataflow->measured.present)
        return err_set(err, ERR_VALUE,
                       "accelerator \"%s\" of \"%s\" is no measured core of a machine: "
                       "expected a SoC that validate --calibrate --host has written",
                       acc->name, soc->name);
    const struct backend *backend = backend_of(acc);
    struct backend_probe probe;
    if (backend == NULL || !(backend->on_host || backend->memory != NULL))
        return err_set(err, ERR_VALUE, "accelerator \"%s\" of \"%s\": no backend \"%s\" runs it",
                       acc->name, soc->name, acc->dataflow->measured.backend);
    backend->probe(&probe);
    if (probe.state != BACKEND_AVAILABLE)
        return err_set(err, ERR_UNAVAILABLE,
                       "accelerator \"%s\" of \"%s\" is a device of backend %s: %s", acc->name,
                       soc->name, backend->name, probe.reason);
    for (const struct soc_accelerator *other = soc->accelerators; other < acc; other++)
        if (!backend->on_host && backend_of(other) == backend)
            return err_set(err, ERR_UNAVAILABLE,
                           "\"%s\" has two devices of backend %s, \"%s\" and \"%s\"; it drives one",
                           soc->name, backend->name, other->name, acc->name);
    return ERR_OK;
}

enum err_code exec_run_places(const struct problem *problem, const struct mapping *mapping,
                              struct exec_place *places, struct err *err)
{
    const struct soc *soc = problem->soc;
    size_t cores[CPU_SETSIZE], have = usable_cores(cores), need = 0;
    for (size_t a = 0; a < soc->accelerator_count; a++) {
        enum err_code rc = check_accelerator(soc, &soc->accelerators[a], err);
        if (rc != ERR_OK)
            return rc;
        need += cores_of(&soc->accelerators[a]);
    }
    if (need > have)
        return err_set(err, ERR_UNAVAILABLE,
                       "\"%s\" has %zu cores, but this program may use %zu here: it is another "
                       "machine's",
                       soc->name, need, have);
    for (size_t i = 0; i < mapping->placement_count; i++) {
        const struct placement *at = &mapping->placements[i];
        const struct soc_accelerator *acc = &soc->accelerators[at->accelerator];
        places[at->layer] = (struct exec_place){ backend_of(acc), (unsigned)cores_of(acc) };
    }
    return ERR_OK;
}

static void assign_cores(struct exec_runner *runner)
{
    size_t cores[CPU_SETSIZE], next = 0;
    usable_cores(cores);
    for (size_t a = 0; a < runner->worker_count; a++) {
        struct worker *worker = &runner->workers[a];
        CPU_ZERO(&worker->cores);
        for (uint64_t k = 0; k < cores_of(&runner->problem->soc->accelerators[a]); k++)
            CPU_SET(cores[next++], &worker->cores);
    }
}

/* --- a run ----------------------------------------------------------------------------------- */

static bool is_over(const struct exec_runner *runner)
{
    return atomic_load_explicit(&runner->failed, memory_order_relaxed) ||
           (runner->stop != NULL && *runner->stop);
}

/* Looks until the layer has ended; false if the run ends without. */
static bool await(struct exec_runner *runner, uint32_t layer)
{
    for (uint64_t spins = 1; !atomic_load_explicit(&runner->ended[layer], memory_order_acquire);
         spins++) {
#if defined __x86_64__
        __builtin_ia32_pause();
#endif
        if (spins % SPINS_BEFORE_YIELD == 0) {
            if (is_over(runner))
                return false;
            sched_yield();
        }
    }
    return true;
}

static bool await_all(struct exec_runner *runner, uint32_t layer)
{
    const struct problem *p = runner->problem;
    for (uint32_t e = p->pred_begin[layer]; e < p->pred_begin[layer + 1]; e++)
        if (!await(runner, p->preds[e].layer))
            return false;
    double release_ns = (double)problem_release_ps(p, layer) / 1000;
    while (backend_now_ns() - runner->start_ns < release_ns)
        if (is_over(runner))
            return false;
    return true;
}

/* Between this process and a device either way, or within the process. */
static enum err_code bring(const struct exec_runner *runner, const struct copy *copy,
                           struct err *err)
{
    const struct exec_layer *producer = &runner->net->layers[copy->producer];
    if (copy->device != NULL)
        return copy->device->upload(copy->there, producer->result.data, copy->bytes, err);
    if (producer->there != NULL)
        return producer->place.backend->memory->download(copy->memory.data, producer->there,
                                                         copy->bytes, err);
    memcpy(copy->memory.data, producer->result.data, copy->bytes);
    return ERR_OK;
}

static enum err_code run_item(struct worker *worker, const struct item *item)
{
    struct exec_runner *runner = worker->runner;
    struct exec_event *event = &runner->events[item->layer];
    if (!await_all(runner, item->layer))
        return ERR_INTERRUPTED;
    event->copy_ns = backend_now_ns() - runner->start_ns;
    struct err why = ERR_INIT;
    enum err_code rc = ERR_OK;
    for (size_t c = item->copy_begin; c < item->copy_end && rc == ERR_OK; c++) {
        rc = bring(runner, &runner->copies[c], &why);
        event->copied_bytes += runner->copies[c].bytes;
    }
    event->begin_ns =
        item->copy_begin < item->copy_end ? backend_now_ns() - runner->start_ns : event->copy_ns;
    if (rc == ERR_OK)
        rc = exec_net_compute(runner->net, item->layer, &why);
    if (rc != ERR_OK)
        return err_set(&worker->err, rc, "layer \"%s\": %s", runner->net->layers[item->layer].name,
                       why.text);
    event->end_ns = backend_now_ns() - runner->start_ns;
    atomic_store_explicit(&runner->ended[item->layer], 1, memory_order_release);
    return rc;
}

/* All begin at the instant at which the last one is ready. */
static void meet(struct exec_runner *runner)
{
    if (atomic_fetch_add(&runner->arrived, 1) + 1 == runner->worker_count) {
        runner->start_ns = backend_now_ns();
        atomic_store_explicit(&runner->go, true, memory_order_release);
    }
    for (uint64_t spins = 1; !atomic_load_explicit(&runner->go, memory_order_acquire); spins++)
        if (spins % SPINS_BEFORE_YIELD == 0)
            sched_yield();
}

static void *work(void *ctx)
{
    struct worker *worker = ctx;
    struct exec_runner *runner = worker->runner;
    /* Before the first parallel region, whose threads then stay on these cores, too. */
    pthread_setaffinity_np(pthread_self(), sizeof worker->cores, &worker->cores);
    meet(runner);
    for (size_t i = 0; i < worker->item_count && !is_over(runner); i++)
        if (run_item(worker, &worker->items[i]) != ERR_OK) {
            atomic_store(&runner->failed, 1);
            break;
        }
    return NULL;
}

static enum err_code join(struct exec_runner *runner, size_t started, struct err *err)
{
    enum err_code rc = ERR_OK;
    for (size_t i = 0; i < started; i++) {
        pthread_join(runner->workers[i].thread, NULL);
        const struct err *own = &runner->workers[i].err;
        if (own->code != ERR_OK && rc == ERR_OK)
            rc = err_set(err, own->code, "%s", own->text);
    }
    if (rc == ERR_OK && is_over(runner))
        rc = err_set(err, ERR_INTERRUPTED, "interrupted");
    return rc;
}

static enum err_code reset(struct exec_runner *runner, struct exec_timeline *out, struct err *err)
{
    size_t layers = runner->net->layer_count;
    *out = (struct exec_timeline){ 0, mem_alloc(layers, sizeof *out->layers) };
    runner->events = out->layers;
    for (size_t i = 0; i < layers; i++)
        atomic_init(&runner->ended[i], 0);
    atomic_init(&runner->arrived, 0);
    atomic_init(&runner->failed, 0);
    atomic_init(&runner->go, false);
    return exec_net_poison(runner->net, err);
}

enum err_code exec_runner_run(struct exec_runner *runner, const volatile sig_atomic_t *stop,
                              struct exec_timeline *out, struct err *err)
{
    size_t started = 0;
    runner->stop = stop;
    enum err_code rc = reset(runner, out, err);
    if (rc != ERR_OK) {
        exec_timeline_release(out);
        return rc;
    }
    for (; started < runner->worker_count; started++) {
        struct worker *worker = &runner->workers[started];
        worker->err = (struct err)ERR_INIT;
        if (pthread_create(&worker->thread, NULL, work, worker) != 0)
            break;
    }
    if (started < runner->worker_count) { /* let those that wait for the others go */
        atomic_store(&runner->failed, 1);
        atomic_store(&runner->go, true);
        join(runner, started, NULL);
        exec_timeline_release(out);
        return err_set(err, ERR_IO, "no thread could be started for accelerator %zu", started);
    }
    rc = join(runner, started, err);
    if (rc == ERR_OK)
        rc = exec_net_collect(runner->net, err);
    for (size_t i = 0; i < runner->net->layer_count; i++)
        if (out->layers[i].end_ns > out->makespan_ns)
            out->makespan_ns = out->layers[i].end_ns;
    if (rc != ERR_OK)
        exec_timeline_release(out);
    return rc;
}

void exec_timeline_release(struct exec_timeline *timeline)
{
    free(timeline->layers);
    *timeline = (struct exec_timeline){ 0 };
}

/* --- plans ----------------------------------------------------------------------------------- */

static void redirect(struct exec_operand *operand, const struct copy *copy)
{
    for (size_t i = 0; i < operand->source_count; i++) {
        struct exec_source *source = &operand->sources[i];
        if (source->layer != copy->producer)
            continue;
        source->data = copy->memory.data;
        source->there = NULL;
        source->is_stale = false;
    }
}

/* Every operand of a layer on cores that reads the producer. */
static void redirect_all(struct exec_layer *layer, const struct copy *copy)
{
    redirect(&layer->operands[0], copy);
    redirect(&layer->operands[1], copy);
    for (size_t s = 0; s < layer->step_count; s++)
        redirect(&layer->step_operands[s], copy);
}

/* Does the layer's device read the producer's result as it lies? What its thread puts together, or
 * adds, it reads where it is. Then those operands read the copy. */
static bool redirect_there(struct exec_layer *layer, const struct copy *copy, bool only_ask)
{
    bool any = false;
    for (size_t i = 0; i < 2; i++) {
        struct exec_source *direct = exec_there_direct(&layer->operands[i]);
        if (direct == NULL || direct->layer != copy->producer)
            continue;
        any = true;
        if (!only_ask) {
            direct->there = copy->there;
            direct->home = copy->device;
        }
    }
    return any;
}

static enum err_code add_copy(struct exec_runner *runner, uint32_t producer,
                              struct exec_layer *layer, struct err *err)
{
    const struct exec_tensor *result = &runner->net->layers[producer].result;
    struct copy *copy = &runner->copies[runner->copy_count];
    *copy = (struct copy){ .producer = producer, .bytes = result->bytes };
    copy->device = layer->place.backend->memory;
    if (copy->device == NULL) {
        exec_tensor_init(&copy->memory, result->type, result->elements);
        redirect_all(layer, copy);
    } else if (redirect_there(layer, copy, true)) {
        enum err_code rc = copy->device->allocate(copy->bytes, &copy->there, err);
        if (rc != ERR_OK)
            return rc;
        redirect_there(layer, copy, false);
    } else {
        return ERR_OK;
    }
    runner->copy_count++;
    return ERR_OK;
}

/* A copy of every producer's result that is on another accelerator. */
static enum err_code add_copies(struct exec_runner *runner, const uint16_t *accelerator_of,
                                struct item *item, struct err *err)
{
    const struct problem *p = runner->problem;
    enum err_code rc = ERR_OK;
    item->copy_begin = runner->copy_count;
    for (uint32_t e = p->pred_begin[item->layer];
         e < p->pred_begin[item->layer + 1] && rc == ERR_OK; e++) {
        uint32_t producer = p->preds[e].layer;
        if (p->preds[e].bytes > 0 && accelerator_of[producer] != accelerator_of[item->layer])
            rc = add_copy(runner, producer, &runner->net->layers[item->layer], err);
    }
    item->copy_end = runner->copy_count;
    return rc;
}

static enum err_code plan(struct exec_runner *runner, const struct mapping *mapping,
                          struct err *err)
{
    enum err_code rc = ERR_OK;
    size_t layers = runner->net->layer_count;
    uint16_t *accelerator_of = mem_alloc(layers, sizeof *accelerator_of);
    for (size_t i = 0; i < mapping->placement_count; i++) {
        const struct placement *at = &mapping->placements[i];
        accelerator_of[at->layer] = at->accelerator;
        runner->workers[at->accelerator].item_count++;
    }
    for (uint32_t a = 0; a < runner->worker_count; a++) {
        struct worker *worker = &runner->workers[a];
        worker->runner = runner;
        worker->accelerator = a;
        worker->items = mem_alloc(worker->item_count + 1, sizeof *worker->items);
        worker->item_count = 0;
    }
    for (size_t i = 0; i < mapping->placement_count && rc == ERR_OK; i++) {
        const struct placement *at = &mapping->placements[i];
        struct worker *worker = &runner->workers[at->accelerator];
        struct item *item = &worker->items[worker->item_count++];
        item->layer = at->layer;
        rc = add_copies(runner, accelerator_of, item, err);
    }
    free(accelerator_of);
    return rc;
}

enum err_code exec_runner_new(struct exec_runner **out, struct exec_net *net,
                              const struct problem *problem, const struct mapping *mapping,
                              struct err *err)
{
    struct exec_place *places = mem_alloc(net->layer_count, sizeof *places);
    enum err_code rc = exec_run_places(problem, mapping, places, err);
    free(places);
    if (rc != ERR_OK)
        return rc;
    struct exec_runner *runner = mem_alloc(1, sizeof *runner);
    runner->net = net;
    runner->problem = problem;
    runner->worker_count = problem->accelerator_count;
    runner->workers = mem_alloc(runner->worker_count, sizeof *runner->workers);
    runner->copies = mem_alloc(problem->edge_count + 1, sizeof *runner->copies);
    runner->ended = mem_alloc(net->layer_count, sizeof *runner->ended);
    rc = plan(runner, mapping, err);
    if (rc != ERR_OK) {
        exec_runner_free(runner);
        return rc;
    }
    assign_cores(runner);
    *out = runner;
    return ERR_OK;
}

void exec_runner_free(struct exec_runner *runner)
{
    if (runner == NULL)
        return;
    for (size_t i = 0; i < runner->worker_count; i++)
        free(runner->workers[i].items);
    for (size_t i = 0; i < runner->copy_count; i++) {
        exec_tensor_release(&runner->copies[i].memory);
        if (runner->copies[i].device != NULL)
            runner->copies[i].device->release(runner->copies[i].there);
    }
    free(runner->workers);
    free(runner->copies);
    free(runner->ended);
    free(runner);
}
