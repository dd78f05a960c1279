/* pid: a PID controller in f32 with anti-windup and a low-passed derivative, driving a simulated motor, 2,000 steps. The shape of
 * most control loops. */
#include "kernel.h"

struct pid {
    float kp, ki, kd, integral, last, derivative, limit;
};

KERNEL_CALL static float step(struct pid *c, float target, float measured, float dt) {
    float error = target - measured;
    float derivative = (c->last - measured) / dt;
    c->derivative += 0.25f * (derivative - c->derivative);
    c->last = measured;
    float integral = c->integral + error * dt;
    float out = c->kp * error + c->ki * integral + c->kd * c->derivative;
    if (out > c->limit) {
        return c->limit; /* saturated: the integral stays */
    }
    if (out < -c->limit) {
        return -c->limit;
    }
    c->integral = integral;
    return out;
}

KERNEL_EXPORT int32_t run(void) {
    struct pid c = {1.5f, 2.0f, 0.0625f, 0.0f, 0.0f, 0.0f, 10.0f};
    float speed = 0.0f, position = 0.0f, effort = 0.0f;
    const float dt = 1.0f / (float)kernel_opaque(256);
    for (uint32_t i = 0; i < 2000; i++) {
        float target = i & 512 ? 3.0f : -1.0f;
        float drive = step(&c, target, position, dt);
        speed += (drive - 0.5f * speed) * 4.0f * dt;
        position += speed * dt;
        effort += drive * drive * dt;
    }
    return (int32_t)(position * 4096.0f) * 65536 + (int32_t)(effort * 64.0f);
}
