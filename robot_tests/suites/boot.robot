*** Settings ***
Documentation       The board starts, and a plain terminal finds its way about. Needs nothing but the serial line.
Resource            ${KEYWORDS}
Suite Setup         Start Board
Suite Teardown      Stop Board
Test Teardown       Save Console


*** Test Cases ***
An Empty Line Prints The Prompt Again
    Prompt Should Come
    Prompt Should Come

Help Lists The Commands
    Write Line To Uart    help
    Wait For Line On Uart    help
    Wait For Line On Uart    info
    Wait For Line On Uart    irq
    Wait For Line On Uart    peek
    Wait For Prompt On Uart    wirq>

Info Names The Board And Its Memory
    Write Line To Uart    info
    Wait For Line On Uart    ${BOARD}:
    Wait For Line On Uart    bytes
    Wait For Line On Uart    largest free
    Wait For Prompt On Uart    wirq>

Every Board Has The Portable Sources
    Write Line To Uart    irq list
    Wait For Line On Uart    uart
    Wait For Line On Uart    timer
    Wait For Line On Uart    button
    Wait For Line On Uart    soft0
    Wait For Prompt On Uart    wirq>

A Raise On The Console Is Counted
    Write Line To Uart    irq raise soft0 3
    Wait For Prompt On Uart    wirq>
    Write Line To Uart    irq list
    Wait For Line On Uart    3 +soft0 .* yes +3 +0 +0 +    treatAsRegex=true
    Wait For Prompt On Uart    wirq>

An Unknown Source Is Refused With The Way Out
    Write Line To Uart    irq raise nosuch
    Wait For Line On Uart    no such interrupt source
    Wait For Line On Uart    irq list shows the sources
    Wait For Prompt On Uart    wirq>

An Unknown Command Is Refused With The Way Out
    Write Line To Uart    frobnicate
    Wait For Line On Uart    no such command
    Wait For Line On Uart    help lists them
    Wait For Prompt On Uart    wirq>

The LED Is Dark After Start
    Write Line To Uart    pins
    Wait For Line On Uart    led +0    treatAsRegex=true
    Wait For Prompt On Uart    wirq>
