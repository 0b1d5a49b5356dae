/*
 * Names to numbers: an open-addressing hash table for the loaders, so that a file with 100,000
 * layers resolves its references in linear time. Names are borrowed and must outlive the table.
 */
#ifndef SOCWEAVE_CORE_NAMES_H
#define SOCWEAVE_CORE_NAMES_H

#include <stddef.h>
#include <stdint.h>

#define NAMES_NONE      UINT32_MAX
#define NAMES_BYTES_MAX 200 /* in the name of a graph, network, layer, accelerator, place … */

struct names;
struct json_node;

struct names *names_new(void);
void names_free(struct names *names); /* NULL is fine */

/* NAMES_NONE if the name is new, else the number it already has (which stays). */
uint32_t names_add(struct names *names, const char *name, uint32_t number);
uint32_t names_find(const struct names *names, const char *name); /* NAMES_NONE if absent */
/* A name in a file: json_str() of at most NAMES_BYTES_MAX bytes, so that names put together fit the
 * buffers of messages. */
const char *names_read(const struct json_node *node);
/* The name most like `given`, or NULL if none is near; linear. */
const char *names_nearest(const struct names *names, const char *given);

#endif
