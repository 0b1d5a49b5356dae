/* Networks that are really computed, for tests of exec/. */
#ifndef SOCWEAVE_TESTS_EXEC_CASE_H
#define SOCWEAVE_TESTS_EXEC_CASE_H

#include "exec/exec_net.h"
#include "tests/fixture.h"

/* Concatenations, parts, another type, shapes of another rank, every step and kind of layer; and a
 * workload of two of g0.json. */
extern const char exec_case_many[], exec_case_workload[];
/* `count` measured accelerators of `cores` each, and a GPU of backend cuda; free() it. */
char *exec_case_soc(unsigned count, unsigned cores, bool gpu);
/* exec_case_workload of this graph on them, without a GPU. */
void exec_case_fixture(struct fixture *f, unsigned count, unsigned cores, const char *graph);
/* A thread of the CPU for every layer; free() it. */
struct exec_place *exec_case_places(const struct problem *problem);
/* Every layer's result equals the reference. */
void exec_case_check(const struct exec_net *net);
unsigned exec_case_cores(void); /* that this process may use */

#endif
