/* SPDX-License-Identifier: GPL-2.0 */
/* The same double: nodes of any type, of which those of memory end in functions of their own. */
#include "cuda.h"

CUresult cuGraphAddNode(CUgraphNode *node, CUgraph graph, const CUgraphNode *deps, size_t n,
			CUgraphNodeParams *params)
{
	switch (params->type) {
	case CU_GRAPH_NODE_TYPE_EMPTY:
		*node = graph;
		return CUDA_SUCCESS;
	case CU_GRAPH_NODE_TYPE_MEM_ALLOC:
		return cuGraphAddMemAllocNode(node, graph, deps, n, &params->alloc);
	case CU_GRAPH_NODE_TYPE_MEM_FREE:
		return cuGraphAddMemFreeNode(node, graph, deps, n, params->free.dptr);
	default:
		return CUDA_ERROR_INVALID_VALUE;
	}
}

CUresult cuGraphAddNode_v2(CUgraphNode *node, CUgraph graph, const CUgraphNode *deps,
			   const void *edges, size_t n, CUgraphNodeParams *params)
{
	return edges && !n ? CUDA_ERROR_INVALID_VALUE
			   : cuGraphAddNode(node, graph, deps, n, params);
}
