#include "core/dnn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/dnn_read.h"

#define CYCLE_SHOWN_MAX 8

/* --- topological order ----------------------------------------------------------------------- */

enum mark { MARK_NEW, MARK_OPEN, MARK_PLACED };

/* Depth first from every layer towards its producers, without recursion. */
struct sorter {
    struct dnn_reader *reader;
    unsigned char *mark; /* [draft], enum mark */
    uint32_t *stack;     /* drafts that wait for the one above them */
    uint32_t *next_feed; /* [position on the stack]: feeds looked at so far */
    size_t depth, placed;
};

/* The i-th layer that feeds a draft, over its operands and then its epilogue; false at the end. */
static bool nth_feed(const struct dnn_reader *reader, const struct dnn_draft *draft, size_t i,
                     const struct dnn_feed **out)
{
    for (size_t part = 0; part < draft->operand_count + draft->step_count; part++) {
        const struct dnn_operand *operand =
            part < draft->operand_count
                ? &draft->operands[part]
                : &reader->steps[draft->step_begin + part - draft->operand_count].input;
        if (i < operand->count) {
            *out = &reader->feeds[operand->begin + i];
            return true;
        }
        i -= operand->count;
    }
    return false;
}

/* "a -> b -> a" in the direction of the data; a long cycle is shown in part. */
static void fail_cycle(struct sorter *sorter, const struct dnn_feed *feed)
{
    const struct dnn_draft *drafts = sorter->reader->drafts;
    size_t first = sorter->depth;
    while (sorter->stack[--first] != feed->source)
        ;
    size_t length = sorter->depth - first;
    char text[512] = "";
    const char *start = drafts[feed->source].name;
    snprintf(text, sizeof text, "%.40s", start);
    for (size_t i = 1; i <= length; i++) {
        if (i >= CYCLE_SHOWN_MAX && i < length)
            continue; /* the last step closes the cycle */
        const char *name = drafts[sorter->stack[sorter->depth - i]].name;
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, " -> %s%.40s",
                 i == length && length > CYCLE_SHOWN_MAX ? "... -> " : "", name);
    }
    json_fail(feed->node, ERR_CYCLE, "the layers wait for each other: %s", text);
}

static void push(struct sorter *sorter, uint32_t draft)
{
    sorter->mark[draft] = MARK_OPEN;
    sorter->next_feed[sorter->depth] = 0;
    sorter->stack[sorter->depth++] = draft;
}

static void place(struct sorter *sorter)
{
    uint32_t draft = sorter->stack[--sorter->depth];
    sorter->mark[draft] = MARK_PLACED;
    sorter->reader->position[draft] = (uint32_t)sorter->placed;
    sorter->reader->order[sorter->placed++] = draft;
}

/* One step: open the next producer of the layer on top, or place that layer. */
static void advance(struct sorter *sorter)
{
    const struct dnn_reader *reader = sorter->reader;
    uint32_t top = sorter->stack[sorter->depth - 1];
    const struct dnn_feed *feed;
    while (nth_feed(reader, &reader->drafts[top], sorter->next_feed[sorter->depth - 1], &feed)) {
        sorter->next_feed[sorter->depth - 1]++;
        if (!dnn_feed_is_layer(reader, feed) || sorter->mark[feed->source] == MARK_PLACED)
            continue;
        if (sorter->mark[feed->source] == MARK_OPEN)
            fail_cycle(sorter, feed);
        else
            push(sorter, feed->source);
        return;
    }
    place(sorter);
}

/* File order, except that the producers of a layer come before it. */
static void sort_layers(struct dnn_reader *reader)
{
    size_t count = reader->dnn.layer_count;
    struct sorter sorter = { .reader = reader };
    sorter.mark = mem_alloc(count, sizeof *sorter.mark);
    sorter.stack = mem_alloc(count, sizeof *sorter.stack);
    sorter.next_feed = mem_alloc(count, sizeof *sorter.next_feed);
    reader->order = mem_alloc(count, sizeof *reader->order);
    reader->position = mem_alloc(count, sizeof *reader->position);
    for (uint32_t draft = 0; draft < count && json_ok(reader->doc); draft++) {
        if (sorter.mark[draft] == MARK_NEW)
            push(&sorter, draft);
        while (sorter.depth > 0 && json_ok(reader->doc))
            advance(&sorter);
    }
    free(sorter.mark);
    free(sorter.stack);
    free(sorter.next_feed);
}

/* --- the whole ------------------------------------------------------------------------------- */

static void check_macs(struct dnn_reader *reader)
{
    const struct json_node *node = json_find(reader->root, "macs");
    if (!node)
        return;
    uint64_t said = (uint64_t)json_int(node, 0, INT64_MAX);
    if (said != reader->dnn.macs)
        json_fail(node, ERR_VALUE, "expected %llu, the sum over the layers, got %llu",
                  (unsigned long long)reader->dnn.macs, (unsigned long long)said);
}

static void read_dnn(struct dnn_reader *reader)
{
    void (*const passes[])(struct dnn_reader *) = { dnn_read_graph, sort_layers, dnn_shape_graph,
                                                    check_macs };
    for (size_t i = 0; i < sizeof passes / sizeof *passes && json_ok(reader->doc); i++)
        passes[i](reader);
}

static void release_reader(struct dnn_reader *reader)
{
    names_free(reader->names);
    free(reader->inputs);
    free(reader->drafts);
    free(reader->feeds);
    free(reader->steps);
    free(reader->exprs);
    free(reader->order);
    free(reader->position);
}

/* Consumes the document. */
static enum err_code load_doc(struct dnn *out, const char *file, struct json_doc *doc,
                              struct err *err)
{
    struct dnn_reader reader = { .doc = doc, .dnn.arena = arena_new() };
    reader.root = json_root(reader.doc);
    reader.names = names_new();
    reader.dnn.file = arena_strdup(reader.dnn.arena, file);
    if (json_ok(reader.doc)) {
        memcpy(reader.dnn.sha256, json_sha256(reader.doc), sizeof reader.dnn.sha256);
        read_dnn(&reader);
    }
    release_reader(&reader);
    enum err_code rc = json_close(reader.doc, err);
    if (rc == ERR_OK)
        *out = reader.dnn;
    else
        arena_free(reader.dnn.arena);
    return rc;
}

enum err_code dnn_load(struct dnn *out, const char *file, struct err *err)
{
    return load_doc(out, file, json_open(file), err);
}

enum err_code dnn_load_text(struct dnn *out, const char *name, const char *text, size_t bytes,
                            struct err *err)
{
    return load_doc(out, name, json_open_text(name, text, bytes), err);
}

void dnn_release(struct dnn *dnn)
{
    arena_free(dnn->arena);
    *dnn = (struct dnn){ 0 };
}
