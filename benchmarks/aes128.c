/* aes128: AES-128 (FIPS 197) in cipher block chaining over 1 KiB, byte by byte with the S-box worked out at start. Byte loads and
 * stores, table look-ups, exclusive or. */
#include "kernel.h"

enum { SIZE = 1024 };

static uint8_t sbox[256];
static uint8_t data[SIZE];

static uint8_t times2(uint8_t x) {
    return (uint8_t)(x << 1 ^ (x >> 7) * 0x1B);
}

static uint8_t rotate(uint8_t x, uint32_t by) {
    return (uint8_t)(x << by | x >> (8 - by));
}

/* The S-box: inverse in GF(2^8), found by walking a generator (3) and its inverse in step, then an affine map. */
static void make_sbox(void) {
    uint8_t p = 1, q = 1;
    do {
        p = (uint8_t)(p ^ times2(p));
        q = (uint8_t)(q ^ q << 1);
        q = (uint8_t)(q ^ q << 2);
        q = (uint8_t)(q ^ q << 4);
        if (q & 0x80) {
            q ^= 0x09;
        }
        sbox[p] = (uint8_t)(q ^ rotate(q, 1) ^ rotate(q, 2) ^ rotate(q, 3) ^ rotate(q, 4) ^ 0x63);
    } while (p != 1);
    sbox[0] = 0x63;
}

static void expand_key(uint8_t keys[176], const uint8_t key[16]) {
    for (uint32_t i = 0; i < 16; i++) {
        keys[i] = key[i];
    }
    uint8_t round_constant = 1;
    for (uint32_t i = 16; i < 176; i += 4) {
        uint8_t t[4] = {keys[i - 4], keys[i - 3], keys[i - 2], keys[i - 1]};
        if (i % 16 == 0) {
            uint8_t first = t[0];
            t[0] = sbox[t[1]] ^ round_constant;
            t[1] = sbox[t[2]];
            t[2] = sbox[t[3]];
            t[3] = sbox[first];
            round_constant = times2(round_constant);
        }
        for (uint32_t j = 0; j < 4; j++) {
            keys[i + j] = keys[i + j - 16] ^ t[j];
        }
    }
}

KERNEL_CALL static void encrypt(uint8_t s[16], const uint8_t keys[176]) {
    uint8_t t[16];
    for (uint32_t i = 0; i < 16; i++) {
        s[i] ^= keys[i];
    }
    for (uint32_t round = 1; round <= 10; round++) {
        for (uint32_t column = 0; column < 4; column++) {
            for (uint32_t row = 0; row < 4; row++) {
                t[4 * column + row] = sbox[s[4 * ((column + row) & 3) + row]];
            }
        }
        const uint8_t *key = keys + 16 * round;
        for (uint32_t i = 0; i < 16; i += 4) {
            if (round == 10) {
                for (uint32_t j = i; j < i + 4; j++) {
                    s[j] = t[j] ^ key[j];
                }
            } else {
                uint8_t all = t[i] ^ t[i + 1] ^ t[i + 2] ^ t[i + 3];
                for (uint32_t j = 0; j < 4; j++) {
                    s[i + j] = (uint8_t)(t[i + j] ^ all ^ times2(t[i + j] ^ t[i + ((j + 1) & 3)]) ^ key[i + j]);
                }
            }
        }
    }
}

static uint32_t word(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

KERNEL_EXPORT int32_t run(void) {
    uint8_t keys[176], key[16], state[16];
    make_sbox();
    for (uint32_t i = 0; i < 16; i++) {
        key[i] = (uint8_t)kernel_opaque(i);
        state[i] = (uint8_t)(0x11 * i);
    }
    expand_key(keys, key);
    encrypt(state, keys);
    if (word(state) != 0x69c4e0d8u) { /* the example of FIPS 197, appendix C.1 */
        return -1;
    }
    uint32_t seed = kernel_opaque(4);
    for (uint32_t i = 0; i < SIZE; i++) {
        data[i] = (uint8_t)kernel_random(&seed);
    }
    for (uint32_t i = 0; i < SIZE; i += 16) {
        for (uint32_t j = 0; j < 16; j++) {
            state[j] ^= data[i + j];
        }
        encrypt(state, keys);
    }
    return (int32_t)word(state);
}
