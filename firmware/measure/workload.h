// What is measured: requests as a device gets them, and what each has to be answered with.
//
// 20 kinds in turn: hits with parameters, misses, errors, JSON bodies, steps that are asynchronous. The number of the request is in
// most of them, so that what one leaves behind is seen in the next. app.js and app.nano.js are what answers them.

#ifndef WORKLOAD_H
#define WORKLOAD_H

#include <stdbool.h>

#include "microrest.h"

typedef struct {
  unsigned requests;
  unsigned answered;
  unsigned wrong;  // answers that were not the expected ones
  char first_wrong[200];
} workload_result;

// Sends an app requests, one after the other, and answers whether all were answered as they have to be.
bool workload_run(mr_app *app, unsigned requests, workload_result *result);

#endif
