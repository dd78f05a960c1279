*** Settings ***
Documentation       What programs can ask of every board: time, the LED, typed text.
Resource            ${KEYWORDS}
Suite Setup         Start Board
Suite Teardown      Stop Board
Test Teardown       Save Console
Test Tags           irq    needs-link


*** Test Cases ***
A Timer Wakes A Sleeping Program
    Load Program    blinking
    Start App
    Wait For Line On Uart    tick 1
    Wait For Line On Uart    tick 5
    Result Should Be    0

The LED Stays As The Program Left It
    Load Program    blinking
    Start App
    Result Should Be    0
    Write Line To Uart    pins
    Wait For Line On Uart    led +1    treatAsRegex=true

Typed Text Reaches The Program
    Load Program    echoing
    Start App
    Wait For Line On Uart    type
    Write Line To Uart    some text
    Wait For Line On Uart    you typed: some text
    Result Should Be    0
