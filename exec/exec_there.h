/*
 * Layers on a device with a memory of its own: their results stay there, and are computed from what
 * is there. What has to be put together, or comes from a layer elsewhere, is sent; a result that
 * has steps of an epilogue to go through comes here for them, and is sent back. Inside exec/ only.
 */
#ifndef SOCWEAVE_EXEC_EXEC_THERE_H
#define SOCWEAVE_EXEC_EXEC_THERE_H

#include "exec/exec_net.h"

/* Room on the device for the result and for operands; graph inputs are sent. ERR_DEVICE. */
enum err_code exec_there_prepare(struct exec_layer *layer, struct err *err);
void exec_there_release(struct exec_layer *layer);

enum err_code exec_there_compute(struct exec_layer *layer, struct err *err);
/* The layer's result to the device, and from it. */
enum err_code exec_there_send(struct exec_layer *layer, struct err *err);
enum err_code exec_there_fetch(struct exec_layer *layer, struct err *err);
/* Sources that are newer on a device come here. */
enum err_code exec_there_refresh(struct exec_operand *operand, struct err *err);
/* The only source of the operand, if the device can read it as it lies; else NULL. */
struct exec_source *exec_there_direct(struct exec_operand *operand);
/* Does it reach the device before the layer is computed, and stay? So do copies from elsewhere. */
enum err_code exec_there_settle(struct exec_layer *layer, struct err *err);

#endif
