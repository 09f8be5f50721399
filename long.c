#include "/work/main/tests/targets/symbol_report.h"
__attribute__((noinline)) void (void){ report("x", 1, ""); STAY(); }
int main(void) { (); return 0; }
