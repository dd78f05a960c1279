/* lists: a hash table of linked lists in a fixed pool: insert, look up, count, remove, and one list reversed and sorted by
 * insertion. Pointer chasing, short unpredictable loops. */
#include "kernel.h"

enum { NODES = 400, BUCKETS = 64 };

struct node {
    struct node *next;
    uint32_t key, count;
};

static struct node pool[NODES];
static struct node *free_nodes;
static struct node *buckets[BUCKETS];

static struct node **bucket(uint32_t key) {
    return &buckets[(key * 2654435761u) >> 26];
}

KERNEL_CALL static struct node *find(uint32_t key) {
    for (struct node *n = *bucket(key); n != NULL; n = n->next) {
        if (n->key == key) {
            return n;
        }
    }
    return NULL;
}

KERNEL_CALL static int insert(uint32_t key) {
    struct node *n = find(key);
    if (n != NULL) {
        n->count++;
        return 0;
    }
    n = free_nodes;
    if (n == NULL) {
        return -1;
    }
    free_nodes = n->next;
    struct node **head = bucket(key);
    n->key = key;
    n->count = 1;
    n->next = *head;
    *head = n;
    return 1;
}

KERNEL_CALL static int erase(uint32_t key) {
    for (struct node **link = bucket(key); *link != NULL; link = &(*link)->next) {
        struct node *n = *link;
        if (n->key == key) {
            *link = n->next;
            n->next = free_nodes;
            free_nodes = n;
            return 1;
        }
    }
    return 0;
}

/* Takes every node out of the table into one list in order of keys. */
static struct node *drain_sorted(void) {
    struct node *sorted = NULL;
    for (uint32_t i = 0; i < BUCKETS; i++) {
        while (buckets[i] != NULL) {
            struct node *n = buckets[i];
            buckets[i] = n->next;
            struct node **link = &sorted;
            while (*link != NULL && (*link)->key < n->key) {
                link = &(*link)->next;
            }
            n->next = *link;
            *link = n;
        }
    }
    return sorted;
}

KERNEL_EXPORT int32_t run(void) {
    uint32_t state = kernel_opaque(6);
    uint32_t result = 0;
    for (uint32_t i = 0; i < NODES; i++) {
        pool[i].next = i + 1 < NODES ? &pool[i + 1] : NULL;
    }
    free_nodes = &pool[0];
    for (uint32_t i = 0; i < BUCKETS; i++) {
        buckets[i] = NULL;
    }
    for (uint32_t i = 0; i < 2500; i++) {
        uint32_t key = kernel_random(&state) & 511;
        int done = key & 1 && i & 1 ? erase(key) : insert(key);
        result = kernel_fold(result, (uint32_t)done);
    }
    uint32_t found = 0;
    for (uint32_t key = 0; key < 512; key++) {
        struct node *n = find(key);
        found += n != NULL ? n->count : 0;
    }
    uint32_t last = 0;
    for (struct node *n = drain_sorted(); n != NULL; n = n->next) {
        if (n->key < last) {
            return -1;
        }
        last = n->key;
        result = kernel_fold(result, n->key ^ n->count << 16);
    }
    return (int32_t)(result ^ found);
}
