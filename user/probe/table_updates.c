/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What PyTorch's own optimizers change their state with, where it is: of each state at least one
 * of these is called in a step.  (torch/optim of 1.13 to 2.6; LBFGS makes its state anew.)  A
 * Tensor & is where the tensor's pointer lies; an ArrayRef is passed as two arguments.
 */
#include "probe/table.h"

#define UPDATE(name, tensor, ...)                                                                  \
	{                                                                                          \
		.symbol = "_ZN2at4_ops" name, .spec = {                                            \
			.layer = MS_LAYER_TENSOR,                                                  \
			.kind = MS_KIND_UPDATE,                                                    \
			.ptr_arg = tensor,                                                         \
			__VA_ARGS__                                                                \
		}                                                                                  \
	}
#define LISTS(count) .lists = count

#define TENSOR "ERNS_6TensorE"
#define LIST "EN3c108ArrayRefINS_6TensorEEE"
/* Of a fused step: where the scale of gradients and what was found to be infinite come. */
#define SCALE_BEFORE_2_2 "RKNS2_8optionalIS4_EES9_"
#define SCALE "RKSt8optionalIS4_ES9_"
#define SCALE_OF_TENSOR "RKSt8optionalIS4_ESB_"

/* Its parameters come first, then their gradients, then what is the optimizer's. */
#define FUSED(name, more, lists) UPDATE(name "4call" LIST more, 5, LISTS(lists))

const struct probe_row probe_update_rows[] = {
    UPDATE("11mul__Tensor4call" TENSOR "RKS2_", 1),
    UPDATE("11mul__Scalar4call" TENSOR "RKN3c106ScalarE", 1),
    UPDATE("11add__Tensor4call" TENSOR "RKS2_RKN3c106ScalarE", 1),
    UPDATE("12lerp__Scalar4call" TENSOR "RKS2_RKN3c106ScalarE", 1),
    UPDATE("8addcmul_4call" TENSOR "RKS2_S5_RKN3c106ScalarE", 1),
    UPDATE("5copy_4call" TENSOR "RKS2_b", 1),
    UPDATE("11maximum_out4callERKNS_6TensorES4_RS2_", 3),

    UPDATE("20_foreach_mul__Scalar4call" LIST "RKNS2_6ScalarE", 1, LISTS(1)),
    UPDATE("20_foreach_mul__Tensor4call" LIST "RKS4_", 1, LISTS(1)),
    UPDATE("18_foreach_mul__List4call" LIST "S5_", 1, LISTS(1)),
    UPDATE("20_foreach_add__Scalar4call" LIST "RKNS2_6ScalarE", 1, LISTS(1)),
    UPDATE("20_foreach_add__Tensor4call" LIST "RKS4_RKNS2_6ScalarE", 1, LISTS(1)),
    UPDATE("18_foreach_add__List4call" LIST "S5_RKNS2_6ScalarE", 1, LISTS(1)),
    UPDATE("21_foreach_lerp__Scalar4call" LIST "S5_RKNS2_6ScalarE", 1, LISTS(1)),
    UPDATE("24_foreach_addcmul__Scalar4call" LIST "S5_S5_RKNS2_6ScalarE", 1, LISTS(1)),
    UPDATE("22_foreach_maximum__List4call" LIST "S5_", 1, LISTS(1)),
    UPDATE("14_foreach_copy_4call" LIST "S5_b", 1, LISTS(1)),

    FUSED("11_fused_sgd_", "S5_S5_ddddbbb" SCALE, 1),
    FUSED("21_fused_sgd__tensor_lr", "S5_S5_ddRKS4_dbbb" SCALE_OF_TENSOR, 1),
    FUSED("15_fused_adagrad_", "S5_S5_S5_ddddb" SCALE, 2),
    FUSED("12_fused_adam_", "S5_S5_S5_S5_S5_dddddbb" SCALE_BEFORE_2_2, 4),
    FUSED("12_fused_adam_", "S5_S5_S5_S5_S5_dddddbb" SCALE, 4),
    FUSED("22_fused_adam__tensor_lr", "S5_S5_S5_S5_S5_RKS4_ddddbb" SCALE_OF_TENSOR, 4),
    FUSED("13_fused_adamw_", "S5_S5_S5_S5_S5_dddddbb" SCALE_BEFORE_2_2, 4),
    FUSED("13_fused_adamw_", "S5_S5_S5_S5_S5_dddddbb" SCALE, 4),
    FUSED("23_fused_adamw__tensor_lr", "S5_S5_S5_S5_S5_RKS4_ddddbb" SCALE_OF_TENSOR, 4),
};
const size_t probe_update_count = sizeof(probe_update_rows) / sizeof(probe_update_rows[0]);
